"""A NAT change with the real engine on real hosts, on both families of iptables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import engine_install, engine_run
from tests.root.nat_on_host import nat, reaches_out, saved, source_seen

NewHost = Callable[..., LabHost]
OTHER = {"nft": "legacy", "legacy": "nft"}


@pytest.fixture(params=["nft", "legacy"])
def bare(request: pytest.FixtureRequest, lab: Lab, new_host: NewHost) -> LabHost:
    """A host of each family whose Docker makes no rules, with two containers."""
    host = new_host(
        "sysv", legacy_iptables=request.param == "legacy", daemon_json={"iptables": False}
    )
    engine_install(host)
    host.start_container("c1", restart="always")
    host.start_container("c2", restart="always")
    host.run(f"ip addr add {second(host)}/24 dev eth0")
    return host


def second(host: LabHost) -> str:
    """A second address of a host, which no other host ever had: neighbours remember."""
    return str(host.address + 100)


def family(host: LabHost) -> str:
    return "nft" if "nf_tables" in host.run("iptables -V").stdout else "legacy"


def messages(answer: dict[str, Any]) -> str:
    return "\n".join(event["message"] for event in answer["events"])


def test_it_lets_the_containers_out_and_takes_it_back_byte_for_byte(
    lab: Lab, bare: LabHost
) -> None:
    mine, other = family(bare), OTHER[family(bare)]
    before, before_other = saved(bare), saved(bare, other)
    assert not reaches_out(lab, bare, "c1")

    answer = nat(bare, lab, "a1", mode="masquerade")
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    # The library writes on a legacy host, and is never even loaded on another.
    assert answer["python_iptables"] == (mine == "legacy")
    assert f"left as {bare.address} towards" in messages(answer)
    assert reaches_out(lab, bare, "c1")
    assert reaches_out(lab, bare, "c2")
    assert source_seen(lab, bare, "c1") == str(bare.address)
    assert "dockernet 172.17.0.0/16 change 7" in saved(bare, mine)
    assert saved(bare, other) == before_other

    answer = nat(bare, lab, "a2", mode="snat", to_source=second(bare))
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    assert source_seen(lab, bare, "c2", 9001) == second(bare)

    answer = nat(bare, lab, "a3", mode="none")
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    assert not reaches_out(lab, bare, "c1")
    if mine == "nft" or "*nat" in before:
        assert saved(bare) == before
    else:
        # The legacy kernel keeps an empty table that was once used.
        assert [r for r in saved(bare).splitlines() if r.startswith("-A")] == [
            r for r in before.splitlines() if r.startswith("-A")
        ]
    assert saved(bare, other) == before_other
    assert not bare.run("ls /var/lib/dockernet/nat.json", check=False).stdout


def test_a_subnet_that_moves_takes_its_nat_along(lab: Lab, bare: LabHost) -> None:
    answer = nat(bare, lab, "m1", mode="masquerade")
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    before, state = saved(bare), bare.read("/var/lib/dockernet/nat.json")
    ask = {
        "kind": "subnet",
        "change": 8,
        "spec": {"network": "bridge", "subnet": "10.77.0.0/24"},
        "controller": [str(lab.segment.site_address)],
    }
    plan = engine_run(bare, "plan", ask)
    number = [step["kind"] for step in plan["steps"]].index("nat_rules") + 1

    job = {**ask, "job": "/var/lib/dockernet/jobs/m2", "fault": [number, "after"]}
    answer = engine_run(bare, "apply", job)
    assert answer["outcome"]["state"] == "rolled_back", answer["outcome"]
    assert saved(bare) == before
    assert bare.read("/var/lib/dockernet/nat.json") == state
    assert reaches_out(lab, bare, "c1")

    answer = engine_run(bare, "apply", {**ask, "job": "/var/lib/dockernet/jobs/m3"})
    assert answer["outcome"]["state"] == "succeeded", answer["outcome"]
    assert "dockernet 10.77.0.0/24 change 8" in saved(bare)
    assert "172.17.0.0/16" not in saved(bare)
    assert reaches_out(lab, bare, "c1")
    assert reaches_out(lab, bare, "c2")
