"""Run a program with a time limit of our own; its output is kept for the error's message."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from attrs import frozen

from netops.engine.errors import OperationFailed

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen
class Result:
    """How a program ended: its exit status, and what it printed (both streams in one)."""

    status: int
    output: str


def run(
    argv: Sequence[str],
    timeout_s: float,
    *,
    env: Mapping[str, str] | None = None,
    errors_too: bool = True,
) -> Result:
    """Run `argv` without a shell, to its end or `timeout_s` seconds.

    The output goes through a file in memory (memfd_create(2)): a daemon that the program leaves
    behind may keep it open, and reading a pipe would then last for ever. `env` replaces the whole
    environment. Raises OperationFailed when the program is missing or the time is up (it is killed
    then).
    """
    # In memory: a full disk must not keep a host from going back, nor pass for empty output.
    with os.fdopen(os.memfd_create("output", os.MFD_CLOEXEC), "w+b") as output:
        try:
            status = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if errors_too else subprocess.DEVNULL,
                env=dict(env) if env is not None else clean_environment(),
                timeout=timeout_s,
                cwd="/",
                check=False,
            ).returncode
        except FileNotFoundError as error:
            raise OperationFailed(f"There is no program {argv[0]}.") from error
        except OSError as error:
            raise OperationFailed(f"{argv[0]} cannot be run: {error.strerror}.") from error
        except subprocess.TimeoutExpired as error:
            raise OperationFailed(f"`{' '.join(argv)}` took over {timeout_s:g} s.") from error
        output.seek(0)
        return Result(status, output.read().decode(errors="replace"))


def run_fed(argv: Sequence[str], text: str, timeout_s: float) -> Result:
    """Run `argv` with `text` on its standard input. Raises OperationFailed as `run` does."""
    try:
        done = subprocess.run(
            argv,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environment(),
            timeout=timeout_s,
            cwd="/",
            check=False,
        )
    except OSError as error:
        raise OperationFailed(f"{argv[0]} cannot be run: {error.strerror}.") from error
    except subprocess.TimeoutExpired as error:
        raise OperationFailed(f"`{' '.join(argv)}` took over {timeout_s:g} s.") from error
    return Result(done.returncode, done.stdout.decode(errors="replace"))


def clean_environment() -> dict[str, str]:
    """Return the little that a system program needs, with its messages in English."""
    return {"PATH": PATH, "LC_ALL": "C", "HOME": os.environ.get("HOME", "/root")}


def run_ok(argv: Sequence[str], timeout_s: float, hint: str = "") -> str:
    """As `run`, but an exit status other than 0 raises OperationFailed; returns the output."""
    result = run(argv, timeout_s)
    if result.status != 0:
        said = " ".join(result.output.split())[:300] or f"exit status {result.status}"
        raise OperationFailed(f"`{' '.join(argv)}` failed: {said}", hint)
    return result.output
