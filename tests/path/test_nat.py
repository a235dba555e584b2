"""A NAT change from the request to the record, kept through a restart and through vandals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from lab import Lab
from lab.check import approve_and_watch, check_nat, request
from lab.command import LabError
from lab.host import LabHost
from lab.site import Site
from tests.path.test_subnet import observed_subnet
from tests.root.nat_on_host import rules, saved, source_seen


@pytest.fixture
def second(host: LabHost) -> Iterator[str]:
    """A second address of the host."""
    address = str(host.address + 100)
    host.run(f"ip addr add {address}/24 dev eth0")
    yield address
    host.run(f"ip addr del {address}/24 dev eth0")


def wait_for(what: str, held: Callable[[], Any], timeout_s: float = 10.0) -> float:
    """Wait until something holds; return how long it took."""
    begun = time.monotonic()
    while not held():
        assert time.monotonic() - begun < timeout_s, f"not in {timeout_s:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - begun


def history(site: Site, host: LabHost) -> str:
    """What the host's page says of its history."""
    shown = site.manage(
        "shell",
        "-c",
        f"""
from hosts.models import Observation
for o in Observation.objects.filter(host__name={host.name!r}).order_by("id"): print(o.summary)
""",
    )
    return shown


def test_it_goes_from_request_to_record_and_back(path_lab: Lab, site: Site, host: LabHost) -> None:
    check_nat(path_lab, site, host, IPv4Network(observed_subnet(site, host)))


def test_its_snat_decides_after_a_restart_and_comes_back_when_killed(
    path_lab: Lab, site: Site, host: LabHost, second: str
) -> None:
    subnet = observed_subnet(site, host)
    spec = {"subnet": subnet, "mode": "snat", "to_source": second}
    change = request(site, host, "nat", spec, "the firewall outside knows this address")
    assert approve_and_watch(site, change) == "succeeded"
    assert source_seen(path_lab, host, "web", 9002) == second

    host.run("service docker restart" if host.init == "sysv" else "systemctl restart docker")
    host.wait_docker()
    wait_for("web runs", lambda: "web" in host.run("docker ps --format '{{.Names}}'").stdout)
    host.run("docker start batch")
    wait_for("ours first", lambda: "DOCKERNET" in rules(host, "POSTROUTING")[0])
    assert source_seen(path_lab, host, "web", 9003) == second

    ours = rules(host, "DOCKERNET-POSTROUTING")
    host.run("iptables -t nat -F DOCKERNET-POSTROUTING; iptables -t nat -F POSTROUTING")
    took = wait_for("back", lambda: rules(host, "DOCKERNET-POSTROUTING") == ours, 6)
    print(f"{host.name}: put back after {took:.2f} s")
    assert source_seen(path_lab, host, "web", 9004) == second
    wait_for("told", lambda: "put its NAT rules back" in history(site, host))
    assert "the jump from POSTROUTING to DOCKERNET-POSTROUTING was gone" in history(site, host)

    host.power_off()
    host.boot()
    host.run(f"ip addr add {second}/24 dev eth0")
    host.wait_docker()
    host.run("docker start batch")
    wait_for("back after the boot", lambda: rules(host, "DOCKERNET-POSTROUTING") == ours, 20)
    wait_for("first", lambda: "DOCKERNET" in rules(host, "POSTROUTING")[0])
    assert source_seen(path_lab, host, "web", 9005) == second
    site.clients["carol"].wait(
        f"/hosts/{host.name}", lambda seen: seen["status"] == "online", "online"
    )

    def audited() -> list[str]:
        nat = site.clients["carol"].call("GET", f"/hosts/{host.name}")["nat"] or []
        return [entry["state"] for entry in nat if entry["subnet"] == subnet]

    wait_for("audited", lambda: audited() == ["present"], 20)

    gone = request(site, host, "nat", {"subnet": subnet, "mode": "none"}, "no longer needed")
    assert approve_and_watch(site, gone) == "succeeded"
    assert "DOCKERNET" not in saved(host)


def test_it_refuses_what_no_host_can_do_and_changes_nothing(site: Site, host: LabHost) -> None:
    subnet, before = observed_subnet(site, host), saved(host)
    for spec in (
        {"subnet": subnet, "mode": "snat", "to_source": "203.0.113.77"},
        {"subnet": "10.99.99.0/24", "mode": "masquerade"},
        {"subnet": subnet, "mode": "masquerade", "out_interface": "nope0"},
    ):
        with pytest.raises(LabError, match="blocked"):
            request(site, host, "nat", spec, "to see it refused")
    spec = {"subnet": subnet, "mode": "masquerade", "out_interface": "eth0 -j ACCEPT"}
    with pytest.raises(LabError, match="out_interface"):
        request(site, host, "nat", spec, "to see it refused")
    assert saved(host) == before
