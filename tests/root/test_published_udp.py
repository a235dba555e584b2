"""A client of a published UDP port that never rests, over a subnet change and its way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import docker0, engine_install, engine_run
from tests.root.udp_on_host import Restless, start_udp

SPEC = {"network": "bridge", "subnet": "192.168.225.0/24"}
PORT = 5140
NewHost = Callable[..., LabHost]


def ask(lab: Lab, job: str, **more: Any) -> dict[str, Any]:
    """What the driver is told."""
    controller = [str(lab.segment.site_address)]
    return {"spec": SPEC, "controller": controller, "job": f"/var/lib/dockernet/jobs/{job}", **more}


@pytest.mark.parametrize("proxy", [True, False], ids=["proxy", "no-proxy"])
@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_a_client_that_never_rests_is_served_again(
    init: str, proxy: bool, lab: Lab, new_host: NewHost
) -> None:
    host = new_host(init, daemon_json={"userland-proxy": proxy})
    engine_install(host)
    # Another container has the lowest address first, so that the service's own may change.
    host.start_container("first", restart="always")
    start_udp(host, "syslog", PORT)
    with Restless(host, PORT) as client:
        assert client.served_by() == "syslog"
        last = len(engine_run(host, "plan", ask(lab, "plan"))["steps"])
        answer = engine_run(host, "apply", ask(lab, "back", fault=[last, "after"]))
        assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
        assert docker0(host) == ["172.17.0.1/16"]
        assert client.served_by() == "syslog"
        answer = engine_run(host, "apply", ask(lab, "forth"))
        assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
        assert docker0(host) == ["192.168.225.1/24"]
        assert client.served_by() == "syslog"
    step = next(s for s in answer["plan"]["steps"] if s["kind"] == "forget_connections")
    assert step["params"]["ports"] == [f"udp {PORT}"]


def test_a_port_that_was_published_after_the_plan_is_served_too(
    lab: Lab, new_host: NewHost
) -> None:
    """By a container that somebody starts while Docker has just come back."""
    host = new_host("sysv", daemon_json={"userland-proxy": False})
    engine_install(host)
    host.start_container("web", restart="always")
    start_udp(host, "late", PORT)
    host.run(["docker", "stop", "-t", "0", "late"])
    with Restless(host, PORT) as client:
        assert client.served_by() == ""
        start = ["start_containers", "docker start late"]
        answer = engine_run(host, "apply", ask(lab, "late", meanwhile=start))
        assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
        assert client.served_by() == "late"
