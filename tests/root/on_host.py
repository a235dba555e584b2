"""Calls the adapters inside a lab host, and asks the host's own tools."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

from lab.host import LabHost
from tests.root.in_host import THERE

HEAD = """
import json, os, signal, sys, time
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from netops.engine.adapters import host_ports
from netops.engine.errors import OperationFailed
from netops.engine.layers import layers_of
from netops.engine.observe import observe
from netops.engine.observed import Controller
from netops.engine.serial import to_json
ports = host_ports()
def seen():
    return to_json(observe(ports, Controller()))
def failure(call):
    try:
        call()
    except OperationFailed as error:
        return error.message
    return ""
def bring_up():
    ports.service.start(60)
    ports.docker.wait_until_answering(60, lambda: ports.service.state().active)
"""


def on(host: LabHost, code: str) -> Any:
    """Run Python inside the host, with `ports` at hand; returns what it puts into `result`."""
    program = f"{HEAD}\n{code}\nprint(json.dumps(result))"
    argv = ["env", f"PYTHONPATH={THERE}", "python3", "-c", program]
    done: subprocess.CompletedProcess[str] = host.run(argv, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def status(host: LabHost) -> bool:
    """Whether the host's own init says that Docker runs."""
    line = "systemctl is-active -q docker" if host.init == "systemd" else "service docker status"
    return bool(host.run(line, check=False).returncode == 0)


def running(host: LabHost) -> list[str]:
    """Names of the running containers, by the docker command."""
    return sorted(host.run(["docker", "ps", "--format", "{{.Names}}"]).stdout.split())


def restore(host: LabHost, path: str) -> Callable[[], None]:
    """Return a call that puts a file back as it is now."""
    keep = host.run(f"test -e {path} && base64 -w0 {path} || echo absent").stdout.strip()

    def back() -> None:
        host.run(f"rm -f {path}" if keep == "absent" else f"echo {keep} | base64 -d > {path}")

    return back
