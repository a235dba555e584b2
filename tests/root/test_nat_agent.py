"""NAT of a real host with the real agent, while Docker gives addresses and bridges anew."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from netops.wire import ApplyRequest, PlanReport, PlanRequest, RulesRestored
from tests.agent.site import wait_until
from tests.root.enrolled import Enrolled, enrolling_on
from tests.root.in_host import containers, serves
from tests.root.nat_on_host import saved

APP = "10.66.0.0/24"


@pytest.fixture
def enrolled(
    lab: Lab, new_host: Callable[..., LabHost], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Enrolled]:
    """An enrolled host whose Docker makes no rules; its init is the test's parameter."""
    with enrolling_on(str(lab.segment.site_address), tmp_path) as make:
        rules_off = {"iptables": False, "userland-proxy": False}
        one = make(new_host(request.param, daemon_json=rules_off))
        one.host.start_container("web", restart="always")
        one.host.start_container("admin", restart="always")
        one.enrol()
        yield one


def set_nat(enrolled: Enrolled, **asked: Any) -> None:
    """Have the agent plan and carry out a NAT change."""
    site = enrolled.site
    count = len(site.said(PlanReport))
    site.send(PlanRequest(7 + count, 1, "nat", {"mode": "masquerade", **asked}))
    plan = site.wait_for(PlanReport, count + 1, 30)[-1].plan
    assert plan is not None
    assert plan.steps, plan.findings
    job_id = secrets.token_hex(16)
    expires_at = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    site.send(ApplyRequest(job_id, 7 + count, plan.kind, plan.spec, plan, expires_at))
    end = site.wait_for_end(job_id, 60)[-1]
    assert end.data["state"] == "succeeded", end.message


def told(enrolled: Enrolled) -> str:
    """All that the agent has put back or led elsewhere so far."""
    return "\n".join(text for r in enrolled.site.said(RulesRestored) for text in r.missing)


@pytest.mark.parametrize("enrolled", ["sysv", "systemd"], indirect=True)
def test_the_agent_leads_a_port_to_the_container_of_that_name(enrolled: Enrolled) -> None:
    host = enrolled.host
    port = {"protocol": "tcp", "host_port": 8080, "to": "web:80"}
    set_nat(enrolled, subnet="172.17.0.0/16", publish=[port])
    assert serves(host, 8080) == "web"
    host.run("docker stop web admin && docker start admin && docker start web")
    assert containers(host)["admin"]["ipv4"] == "172.17.0.2"
    wait_until(lambda: told(enrolled), lambda text: "web has 172.17.0.3 now" in text, 30)
    assert serves(host, 8080) == "web"

    host.run("docker stop web")
    wait_until(lambda: told(enrolled), lambda text: "web has no address now" in text, 30)
    assert serves(host, 8080) == ""
    host.run("systemctl restart docker" if host.init == "systemd" else "service docker restart")
    host.wait_docker()
    wait_until(lambda: serves(host, 8080), lambda name: name == "web", 30)


@pytest.mark.parametrize("enrolled", ["sysv"], indirect=True)
def test_the_agent_follows_a_network_that_is_made_anew(enrolled: Enrolled) -> None:
    host = enrolled.host

    def up() -> str:
        made = host.run(["docker", "network", "create", "--subnet", APP, "app"]).stdout.strip()
        host.start_container("one", args=["--network", "app"])
        return f"br-{made[:12]}"

    old = up()
    set_nat(enrolled, subnet=APP)
    host.run("docker rm -f one && docker network rm app")
    new = up()
    wait_until(lambda: told(enrolled), lambda text: f"on the bridge {new} now" in text, 30)
    assert old not in saved(host)
    (setting,) = json.loads(host.read("/var/lib/dockernet/nat.json"))["settings"]
    assert setting["bridge"] == new
