"""Starts `dockernet-agent work ...`: what needs much memory, or must outlive the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from netops.agent.config import Place
from netops.engine.errors import OperationFailed

_PROGRAM = Path(__file__).with_name("__main__.py")


def child_argv(place: Place, *argv: str) -> list[str]:
    """Return the command line of `work ARGV` for the agent at `place`."""
    where = ["--config", str(place.config), "--state", str(place.state)]
    return [sys.executable, "-I", str(_PROGRAM), *where, "work", *argv]


def child_start(place: Place, *argv: str, fed: bool = False) -> subprocess.Popen[bytes]:
    """Start `work ARGV`, in a session of its own so that no signal meant for us reaches it.

    Its standard output is a pipe, its standard input one too if `fed`.
    """
    return subprocess.Popen(
        child_argv(place, *argv),
        stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )


def child_ask(place: Place, question: str, body: object = None, *, timeout_s: float) -> Any:
    """Run `work QUESTION`, feed it `body` as JSON and return its answer.

    Raises OperationFailed with the child's words, or when it takes longer than `timeout_s`.
    """
    child = child_start(place, question, fed=True)
    try:
        out, _ = child.communicate(json.dumps(body).encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise OperationFailed(f"This took longer than {timeout_s:g} s on the host.") from error
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    try:
        answer = json.loads(out)
    except ValueError as error:
        text = f"It ended with {child.returncode} on the host; the agent's log says why."
        raise OperationFailed(text) from error
    if "error" in answer:
        raise OperationFailed(str(answer["error"]))
    return answer["answer"]
