"""What the tests of NAT ask and see on a lab host, from its own tools and from outside of it."""

from __future__ import annotations

import re
import sys
from typing import Any

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import engine_run

SUBNET = "172.17.0.0/16"
LISTENER = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as server:
    server.settimeout(10)
    print("listening", flush=True)
    print(server.accept()[1][0], flush=True)
"""


def nat(host: LabHost, lab: Lab, job: str, **spec: Any) -> dict[str, Any]:
    """Carry out a NAT change with the engine inside the host; returns what it says."""
    return engine_run(host, "apply", nat_ask(lab, job, **spec))


def nat_ask(lab: Lab, job: str, **spec: Any) -> dict[str, Any]:
    """What the driver is told."""
    return {
        "kind": "nat",
        "change": 7,
        "spec": {"subnet": SUBNET, **spec},
        "controller": [str(lab.segment.site_address)],
        "job": f"/var/lib/dockernet/jobs/{job}",
    }


def saved(host: LabHost, family: str = "") -> str:
    """All tables as iptables-save prints them, without times and counters."""
    program = f"iptables-{family}-save" if family else "iptables-save"
    text = str(host.run([program]).stdout)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.sub(r"\[\d+:\d+\]", "", "\n".join(lines))


def rules(host: LabHost, chain: str, family: str = "") -> list[str]:
    """The rules of a chain, of whichever table, in order."""
    return [line for line in saved(host, family).splitlines() if line.startswith(f"-A {chain} ")]


def source_seen(lab: Lab, host: LabHost, container: str, port: int = 9000) -> str:
    """The source address that someone outside sees when a container connects; "" if none comes."""
    listener = lab.segment.popen_outside(
        [sys.executable, "-c", LISTENER, str(port)], stdout=-1, text=True, stderr=-3
    )
    try:
        assert listener.stdout.readline().strip() == "listening"
        router = str(lab.segment.router_address)
        host.run(["docker", "exec", container, "nc", "-w2", router, str(port)], check=False)
        return str(listener.stdout.readline()).strip()
    finally:
        listener.kill()
        listener.wait()


def reaches_out(lab: Lab, host: LabHost, container: str) -> bool:
    """Whether a container's ping to the outside is answered."""
    router = str(lab.segment.router_address)
    argv = ["docker", "exec", container, "ping", "-c1", "-W1", router]
    return bool(host.run(argv, check=False).returncode == 0)
