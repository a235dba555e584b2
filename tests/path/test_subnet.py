"""A subnet change from the request to the record, on real hosts, through the public API."""

from __future__ import annotations

import ipaddress
import time
from itertools import count
from typing import Any

import pytest

from lab import Lab
from lab.check import approve_and_watch, prove, subnet_request
from lab.command import LabError
from lab.host import LabHost
from lab.site import Site

FRESH = (ipaddress.IPv4Network(f"10.90.{number}.0/24") for number in count(1))


def fingerprint(host: LabHost) -> dict[str, Any]:
    """What a refusal must leave as it is: docker0, the configuration, the containers' starts."""
    starts = "docker ps -q | xargs docker inspect -f '{{.Name}} {{.State.StartedAt}}' | sort"
    return {
        "docker0": host.run("ip -4 -o addr show docker0").stdout,
        "json": host.run("cat /etc/docker/daemon.json; ls -la /etc/docker").stdout,
        "containers": host.run(starts).stdout,
    }


def observed_subnet(site: Site, host: LabHost) -> str:
    """docker0's subnet as the site knows it; just after a restart the host may know none."""
    seen = site.clients["carol"].wait(
        f"/hosts/{host.name}",
        lambda seen: any(n["name"] == "bridge" for n in seen["networks"]),
        "the default network",
    )
    return next(str(n["subnet"]) for n in seen["networks"] if n["name"] == "bridge")


def test_it_goes_from_request_to_record_and_outlives_a_power_loss(
    path_lab: Lab, site: Site, host: LabHost
) -> None:
    subnet = next(FRESH)
    change = subnet_request(site, host, subnet)
    assert change["plan"]["expected_outage_s"] > 0
    assert {m["name"] for m in change["plan"]["containers"]} == {"web", "api", "worker", "batch"}

    assert approve_and_watch(site, change) == "succeeded"
    prove(path_lab, site, host, subnet)
    record = site.clients["carol"].call("GET", f"/changes/{change['id']}")
    assert record["state"] == "succeeded"
    assert 0 < record["job"]["outage_s"] < 60
    assert [a["by"] for a in record["approvals"]] == ["bob"]

    host.power_off()
    host.boot()
    host.wait_docker()
    # Its restart policy is "no": Docker leaves it alone at a boot, with or without us.
    host.run("docker start batch")
    prove(path_lab, site, host, subnet)


def test_it_is_reverted_by_a_change_of_its_own(path_lab: Lab, site: Site, host: LabHost) -> None:
    before = observed_subnet(site, host)
    change = subnet_request(site, host, next(FRESH))
    assert approve_and_watch(site, change) == "succeeded"

    alice = site.clients["alice"]
    back = alice.call("POST", f"/changes/{change['id']}/revert", {})
    planned = alice.wait(
        f"/changes/{back['id']}", lambda seen: seen["state"] != "planning", "the plan"
    )
    assert planned["state"] == "awaiting_approval", planned
    assert planned["spec"]["subnet"] == before
    assert approve_and_watch(site, planned) == "succeeded"
    prove(path_lab, site, host, ipaddress.IPv4Network(before))


def test_it_is_stale_when_the_host_changed_after_the_plan(site: Site, host: LabHost) -> None:
    change = subnet_request(site, host, next(FRESH))
    host.start_container("newcomer", restart="always")
    before = fingerprint(host)
    try:
        assert approve_and_watch(site, change) == "stale"
        assert fingerprint(host) == before
        events = list(site.clients["carol"].events(change["id"]))
        assert any("newcomer" in event["message"] for event in events)

        alice = site.clients["alice"]
        alice.call("POST", f"/changes/{change['id']}/replan", {})
        again = alice.wait(
            f"/changes/{change['id']}", lambda seen: seen["state"] != "planning", "the plan"
        )
        assert again["state"] == "awaiting_approval"
        assert "newcomer" in {m["name"] for m in again["plan"]["containers"]}
        alice.call("POST", f"/changes/{change['id']}/withdraw", {})
    finally:
        host.run(["docker", "rm", "-f", "newcomer"])


def test_it_refuses_an_approval_of_another_digest_and_of_the_requester(
    site: Site, host: LabHost
) -> None:
    change = subnet_request(site, host, next(FRESH))
    before = fingerprint(host)
    path = f"/changes/{change['id']}"
    with pytest.raises(LabError, match="409"):
        site.clients["bob"].call("POST", f"{path}/approve", {"plan_digest": "0" * 64})
    digest = change["plan"]["digest"]
    with pytest.raises(LabError, match="403"):
        site.clients["alice"].call("POST", f"{path}/approve", {"plan_digest": digest})
    assert site.clients["carol"].call("GET", path)["state"] == "awaiting_approval"
    with pytest.raises(LabError, match="409"):
        subnet_request(site, host, next(FRESH))
    site.clients["alice"].call("POST", f"{path}/withdraw", {})
    assert fingerprint(host) == before


def test_it_blocks_a_plan_on_a_configuration_that_cannot_be_read(site: Site, host: LabHost) -> None:
    kept = host.run("cat /etc/docker/daemon.json", check=False).stdout
    host.write("/etc/docker/daemon.json", '{"bip": ')
    try:
        before = fingerprint(host)
        with pytest.raises(LabError, match="blocked"):
            subnet_request(site, host, next(FRESH))
        newest = site.clients["carol"].call("GET", "/changes")["items"][0]
        codes = {finding["code"] for finding in newest["plan"]["findings"]}
        assert "config-unreadable" in codes
        assert fingerprint(host) == before
    finally:
        host.write("/etc/docker/daemon.json", kept)


def test_it_sees_a_change_made_by_others_at_once(site: Site, host: LabHost) -> None:
    def names() -> set[str]:
        seen = site.clients["carol"].call("GET", f"/hosts/{host.name}")
        return {c["name"] for network in seen["networks"] for c in network["containers"]}

    host.start_container("passer-by")
    try:
        deadline = time.monotonic() + 10
        while "passer-by" not in names():
            assert time.monotonic() < deadline, "the new container was not reported in 10 s"
            time.sleep(0.1)
    finally:
        host.run(["docker", "rm", "-f", "passer-by"])


def test_it_refuses_what_needs_a_host_that_is_off(site: Site, host: LabHost) -> None:
    change = subnet_request(site, host, next(FRESH))
    path, bob = f"/changes/{change['id']}", site.clients["bob"]
    host.power_off()
    try:
        bob.wait(f"/hosts/{host.name}", lambda seen: seen["status"] == "offline", "offline")
        with pytest.raises(LabError, match="409"):
            bob.call("POST", f"{path}/approve", {"plan_digest": change["plan"]["digest"]})
        assert bob.call("GET", path)["state"] == "awaiting_approval"
        site.clients["alice"].call("POST", f"{path}/withdraw", {})
        with pytest.raises(LabError, match="409"):
            subnet_request(site, host, next(FRESH))
    finally:
        host.boot()
        host.wait_docker()
        host.run("docker start batch")
        bob.wait(f"/hosts/{host.name}", lambda seen: seen["status"] == "online", "online")
