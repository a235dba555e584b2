"""A small team's fleet in the database, for pictures and browser tests. A process of its own."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

import django

django.setup()

from attrs import evolve  # noqa: E402
from django.utils import timezone  # noqa: E402

from hosts.models import Host, Tag  # noqa: E402
from hosts.selectors import reserved_networks  # noqa: E402
from hosts.services.fleet_columns import fleet_columns  # noqa: E402
from hosts.services.host_subnets import host_subnets_store  # noqa: E402
from netops.engine.observed import BridgePort, DaemonConfig, Link, Observed  # noqa: E402
from netops.engine.serial import to_json  # noqa: E402
from netops.states import State  # noqa: E402
from people.models import User  # noqa: E402
from tests.browser.seed_host import seed_moved, seed_switches  # noqa: E402
from tests.browser.seed_policies import seed_policies  # noqa: E402
from tests.browser.seed_review import seed_review  # noqa: E402
from tests.browser.seed_work import seed_work  # noqa: E402
from tests.pages import world  # noqa: E402
from tests.pages.host_example import (  # noqa: E402
    container,
    observed,
    with_setting,
    without_nat,
)

NAMES = ("gateway", "cache", "orders-db", "shop-worker")
ALWAYS_SEEN = timezone.now() + timedelta(hours=3)
REASONS = (
    "The VPN of the Seoul office uses 172.17.0.0/16; nobody there reaches this host.",
    "More than 250 containers are planned here for the autumn sale.",
    "The new data centre route covers 172.16.0.0/12.",
    "The payment provider lets in one address only, and Docker makes no rules here.",
)


def main() -> None:
    """Fill an empty database: changes 1 to 8, each in another state; 9 and 10 are of NAT; 11 to 13
    near their ends; 14 to 16 are about policies; 20 has
    a conversation and a second plan."""
    alice, bob = world.user("alice", "operator"), world.user("bob", "approver")
    world.user("carol", "viewer")
    world.user("admin", "admin")
    world.reserved("10.8.0.0/16", "VPN")
    world.reserved("10.20.0.0/14", "Offices in Seoul and Busan")
    world.reserved("10.1.0.0/16", "Data centre in Tokyo")
    _hosts()
    _finished(alice, bob)
    _unfinished(alice, bob)
    _nat(alice, bob)
    _ends(alice, bob)
    seed_policies(_online, _host, REASONS[3])
    seed_switches(_online)
    seed_work(bob)
    seed_review(_online, _host, REASONS[1])
    seed_moved(alice, bob)


def _hosts() -> None:
    for name in ("web-0", "web-1", "web-4"):
        _online(name, observed(name=name, names=NAMES))
    _online("web-2", observed(name="web-2", names=NAMES, manager="sysv"))
    _online("db-1", _broken(), environment="staging")
    _online("edge-icn-1", observed(name="edge-icn-1", containers=9, manager="sysv"))
    _online("edge-icn-2", observed(name="edge-icn-2", containers=0))
    world.host("build-7", environment="lab", online=False)
    world.host("web-3", enrolled_at=None, observed=None, last_seen_at=None)
    world.host("old-1", revoked_at=timezone.now(), online=False)
    for tag, names in {"gpu": ("edge-icn-1",), "shop": ("edge-icn-1", "web-1", "web-2")}.items():
        made = Tag.objects.create(name=tag)
        made.hosts.set(Host.objects.filter(name__in=names))
    for hours, text in (
        (60, "First observation."),
        (26, "Container shop-worker: exited → running.\nContainer shop-worker has 172.17.0.5 now."),
        (2, "Docker: 26.1.4 → 26.1.5."),
    ):
        world.observation(_host("web-1"), text, ago=timedelta(hours=hours))


def _online(name: str, seen: Observed, environment: str = "production") -> None:
    world.host(name, observed=seen, environment=environment, last_seen_at=ALWAYS_SEEN)


def _seen_again(name: str, seen: Observed) -> None:
    """What the host reports after a change: the page of the host and the map of the fleet agree."""
    at = timezone.now() - timedelta(seconds=20)
    fields = {"observed": to_json(evolve(seen, at=at.isoformat())), "observed_at": at}
    Host.objects.filter(name=name).update(**fields, **fleet_columns(seen, reserved_networks()))
    host_subnets_store(host=_host(name), observed=seen)


def _host(name: str) -> Host:
    return Host.objects.get(name=name)


def _broken() -> Observed:
    """A host whose layers disagree, with a setting that cannot be read."""
    seen = observed(name="db-1", names=("orders-db",), containers=1, kernel_address="10.1.0.1/24")
    path = seen.config.path
    config = DaemonConfig(
        path, '{"bip": }', error="The file is not JSON: Expecting value (line 1, column 9)."
    )
    image = "ghcr.io/acme/nightly-job:2026.11.3"
    told: dict[str, Any] = {"image": image, "auto_remove": True, "restart_policy": "no"}
    job = container(5, IPv4Network("172.17.0.0/16"), "nightly-job", **told)
    veth = job.endpoints[0].veth
    link = Link(15, veth, "veth", "aa:bb:cc:00:00:02", True, 1500, "docker0", 9)
    return evolve(
        seen,
        config=config,
        containers=(*seen.containers, job),
        links=(*seen.links, link),
        ports=(*seen.ports, BridgePort("docker0", veth, job.name)),
    )


def _finished(alice: User, bob: User) -> None:
    hour = timedelta(hours=1)
    world.story_succeeded(_host("web-2"), alice, bob, ago=3 * hour, reason=REASONS[0])
    moved = observed(name="web-2", subnet=world.NEW_SUBNET, names=NAMES, manager="sysv")
    _seen_again("web-2", moved)
    world.story_rolled_back(_host("web-0"), alice, bob, ago=2 * hour, reason=REASONS[1])
    asked = {"network": "bridge", "subnet": "10.20.4.0/24"}
    broken = world.Story(_host("db-1"), alice, ago=hour / 2, reason=REASONS[2], spec=asked)
    broken.planned(tuple(reserved_networks()))
    told = world.Story(_host("web-0"), alice, ago=hour / 2, reason=REASONS[1]).planned()
    told.judged(bob, "rejected", "Not on a Friday afternoon, please. Monday before nine is fine.")
    _stale(world.Story(_host("web-0"), alice, ago=hour / 3, reason=REASONS[1]).planned(), bob)


def _nat(alice: User, bob: User) -> None:
    """Hosts on which Docker makes no rules; one has a setting of ours that lost its place."""
    minute = timedelta(minutes=1)
    _online("nat-1", without_nat(observed(name="nat-1", names=NAMES)))
    port = {"protocol": "tcp", "host_port": 8443, "to": "172.17.0.3:443"}
    asked = {"subnet": "172.17.0.0/16", "mode": "masquerade", "publish": [port]}
    made = world.story_succeeded(
        _host("nat-1"), alice, bob, spec=asked, kind="nat", ago=50 * minute, reason=REASONS[3]
    )
    seen = with_setting(without_nat(observed(name="nat-1", names=NAMES)), made.pk, **asked)
    _seen_again("nat-1", seen)
    wanted = {
        "subnet": "172.17.0.0/16",
        "mode": "snat",
        "to_source": "198.51.100.11",
        "exclude": ["10.0.0.0/8"],
        "publish": [port, {**port, "host_port": 53, "protocol": "udp", "to": "172.17.0.4:53"}],
    }
    fields: dict[str, Any] = {"spec": wanted, "kind": "nat", "ago": 5 * minute}
    world.Story(_host("nat-1"), alice, reason=REASONS[3], **fields).planned()
    fresh = with_setting(observed(name="nat-2", names=NAMES), made.pk, **asked)
    first = "-A POSTROUTING -s 172.16.0.0/12 -o eth0 -j SNAT --to-source 198.51.100.11"
    rules = [line for line in fresh.firewall.nat if "-s 172.18" not in line]
    at = next(n for n, line in enumerate(rules) if line.startswith("-A POSTROUTING"))
    nat = (*rules[:at], first, *rules[at:])
    _online("nat-2", evolve(fresh, firewall=evolve(fresh.firewall, nat=nat)))


def _ends(alice: User, bob: User) -> None:
    """Changes 11 to 13: one that a person has to confirm, one that failed, one cancelled."""
    minute = timedelta(minutes=1)
    for name in ("edge-icn-3", "edge-icn-4", "edge-icn-5"):
        _online(name, observed(name=name, names=NAMES))
    held = world.Story(_host("edge-icn-3"), alice, ago=6 * minute, reason=REASONS[0]).planned()
    held.judged(bob).began().held(left_s=900)
    broken = world.Story(_host("edge-icn-4"), alice, ago=8 * minute, reason=REASONS[2]).planned()
    broken.judged(bob).began().did(7)
    broken.tell("step_started", broken.plan.steps[7].title, step=8)
    why = "docker0 is down: it did not change its state."
    broken.tell("step_failed", why, step=8, seconds=1.5)
    why = f"Step 8, “{broken.plan.steps[7].title}”, failed: {why}"
    broken.tell("rollback_started", f"{why} The host goes back, last step first.")
    commands = ("systemctl start docker", "docker start gateway cache")
    told = (
        f"{why} The host could not be brought back whole. Left to do by hand: Docker does not run."
    )
    broken.ended(State.FAILED, told, 4.1, left=commands)
    stopped = world.Story(_host("edge-icn-5"), alice, ago=6 * minute, reason=REASONS[1]).planned()
    stopped.judged(bob).began().did(2)
    job = stopped.job
    assert job is not None
    job.cancel_asked_at, job.cancel_by = timezone.now(), "alice"
    job.save(update_fields=["cancel_asked_at", "cancel_by"])


def _stale(story: world.Story, bob: User) -> None:
    story.judged(bob)
    lines = [
        "Addresses of docker0 changed: 172.17.0.1/16 → 10.1.0.1/24.",
        "Container cache: running changed: yes → no.",
    ]
    data = {"state": "stale", "differences": lines}
    story.tell("state", "\n".join(lines), data=data)
    story.enter(State.STALE, "The host is no longer what the plan was made from.", end=True)


def _unfinished(alice: User, bob: User) -> None:
    minute = timedelta(minutes=1)
    world.Story(_host("web-1"), alice, ago=3 * minute, reason=REASONS[0]).planned()
    job = world.Story(_host("web-4"), alice, ago=4.1 * minute, reason=REASONS[2]).planned()
    job.judged(bob, comment="Traffic is low now. Go.").began().did(3)
    job.tell("step_started", job.plan.steps[3].title, step=4)
    world.Story(_host("db-1"), alice, ago=minute / 15, reason=REASONS[2])


if __name__ == "__main__":
    main()
