"""Brings the engine into a lab host, runs it there, and reads the host from outside of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lab.host import LabHost

ROOT = Path(__file__).resolve().parents[2]
THERE = "/opt/engine-under-test"
PACKAGES = (
    "attr", "attrs", "pyroute2", "docker", "requests", "urllib3", "idna", "certifi",
    "charset_normalizer",
)  # fmt: skip


def engine_install(host: LabHost) -> None:
    """Copy the engine, its packages and the driver into the host."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(ROOT / "netops", "netops", filter=_plain)
        tar.add(ROOT / "tests/root/engine_driver.py", "engine_driver.py")
        for name in PACKAGES:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            tar.add(Path(spec.origin).parent, name, filter=_plain)
    host.run(["mkdir", "-p", THERE])
    host.run(["tar", "-x", "-C", THERE], input=buffer.getvalue(), text=False)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in entry.name or entry.name.endswith(".so") else entry


def argv(command: str, asked: dict[str, Any]) -> list[str]:
    """The driver's command line inside the host."""
    return [
        "env", f"PYTHONPATH={THERE}", "python3", f"{THERE}/engine_driver.py", command,
        json.dumps(asked),
    ]  # fmt: skip


def engine_run(host: LabHost, command: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Run the driver; return what it prints. Raises AssertionError with its stderr."""
    done: subprocess.CompletedProcess[str] = host.run(
        argv(command, asked), timeout=300, check=False
    )
    print(done.stderr)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def docker0(host: LabHost) -> list[str]:
    """docker0's IPv4 addresses, by ip(8)."""
    shown = json.loads(host.run(["ip", "-j", "-4", "addr", "show", "docker0"]).stdout)
    return [f"{a['local']}/{a['prefixlen']}" for link in shown for a in link.get("addr_info", [])]


def recorded_subnet(host: LabHost) -> str:
    """The default network's subnet in Docker's own record."""
    text = host.run(["docker", "network", "inspect", "bridge"]).stdout
    return str(json.loads(text)[0]["IPAM"]["Config"][0]["Subnet"])


def containers(host: LabHost) -> dict[str, dict[str, Any]]:
    """{name: {running, paused, ipv4, kernel}} of all containers; kernel as they see it inside."""
    ids = host.run(["docker", "ps", "-aq"]).stdout.split()
    if not ids:
        return {}
    found = {}
    for data in json.loads(host.run(["docker", "inspect", *ids]).stdout):
        state, name = data["State"], data["Name"].lstrip("/")
        bridge = data["NetworkSettings"]["Networks"].get("bridge", {})
        found[name] = {
            "running": state["Running"],
            "paused": state["Paused"],
            "ipv4": bridge.get("IPAddress", ""),
            "prefixlen": bridge.get("IPPrefixLen", 0),
            "kernel": _inside(host, state["Pid"]) if state["Pid"] else [],
        }
    return found


def _inside(host: LabHost, pid: int) -> list[str]:
    argv = ["nsenter", "-t", str(pid), "-n", "ip", "-j", "-4", "addr"]
    done = host.run(argv, check=False)
    if done.returncode != 0 and host.run(["test", "-e", f"/proc/{pid}"], check=False).returncode:
        return []  # It ended since it was listed, as one in a loop of restarts does all the time.
    assert done.returncode == 0, done.stderr
    text = done.stdout
    return [
        f"{a['local']}/{a['prefixlen']}"
        for link in json.loads(text)
        if link.get("ifname") != "lo"
        for a in link.get("addr_info", [])
    ]


def file_state(host: LabHost, path: str) -> str:
    """A file's mode, owner and bytes, "absent" if there is none."""
    script = f"stat -c '%a %u %g' {path} && base64 -w0 {path} || echo absent"
    return str(host.run(script).stdout)


def serves(host: LabHost, port: int) -> str:
    """What the container behind a published port answers to someone outside the host."""
    ask = (
        "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=2).read().decode())"
    )
    url = f"http://{host.address}:{port}/"
    done = host.segment.run_outside([sys.executable, "-c", ask, url], check=False)
    return str(done.stdout).strip()


def serves_soon(host: LabHost, port: int) -> str:
    """What it answers once its program listens, "" if it never does within five seconds."""
    for _ in range(50):
        answer = serves(host, port)
        if answer:
            return answer
        time.sleep(0.1)
    return ""
