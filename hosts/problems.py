"""What is wrong on a host as it stands, in sentences with a way out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from attrs import frozen

from hosts.host_subnets import DOCKER, DOCKER0, subnet_uses
from netops.engine.layers import Layers, default_bridge
from netops.engine.nat.audit import DOCKERNET, DUPLICATE, GONE, PRESENT, NatEntry
from netops.engine.observed import Observed

ERROR, WARNING = "error", "warning"
_SHOWN = 3
# A report that waited for the broker is this old at most: the host looks every five minutes.
AHEAD, BEHIND = timedelta(minutes=1), timedelta(minutes=10)


@frozen
class Problem:
    """`hint` says what a person can do, "" when there is nothing to say; `place` where more of it
    stands: "nat" or "layers" on the page of the host, "map" for the addresses of the fleet."""

    severity: str
    message: str
    hint: str = ""
    place: str = ""


def problems_of(
    observed: Observed,
    layers: Layers,
    nat: tuple[NatEntry, ...] | None = None,
    arrived_at: datetime | None = None,
    reserved: Iterable[tuple[IPv4Network, str]] = (),
) -> list[Problem]:
    """Return what is wrong, errors first; `nat` is the audit of the host's NAT (nat_audit.py),
    `arrived_at` when the observation reached the site, `reserved` the ranges to keep free."""
    found = [
        *_clock(observed, arrived_at),
        *_daemon(observed),
        *_config(observed),
        *_conflicts(observed, tuple(reserved)),
        *_layers(observed, layers),
        *_containers(observed),
        *_nat(nat or ()),
        *_unread(observed),
    ]
    return sorted(found, key=lambda p: p.severity != ERROR)


def _unread(observed: Observed) -> Iterator[Problem]:
    """What the agent could not read, but for what is told in other words already."""
    for text in observed.problems:
        told = observed.config.error and observed.config.error in text
        stopped = not observed.daemon.running and text.startswith("Docker does not answer")
        if not told and not stopped:
            yield Problem(WARNING, f"Could not be read: {text}")


def _clock(observed: Observed, arrived_at: datetime | None) -> Iterator[Problem]:
    try:
        at = datetime.fromisoformat(observed.at)
        off = at - arrived_at if arrived_at is not None else timedelta(0)
    except (ValueError, TypeError):
        return
    if -BEHIND <= off <= AHEAD:
        return
    hint = "Set it right, for example with chrony or systemd-timesyncd, on the site's machine too."
    yield Problem(WARNING, _clock_words(off), hint)


def _clock_words(off: timedelta) -> str:
    """Each as a whole: a language may order it as it likes."""
    ahead, span = off > timedelta(0), abs(off)
    minutes, hours = max(2, span // timedelta(minutes=1)), span // timedelta(hours=1)
    if span >= timedelta(days=2) and ahead:
        return (
            f"The clock of this host is about {span.days} days ahead: it refuses jobs as expired."
        )
    if span >= timedelta(days=2):
        return (
            f"The clock of this host is about {span.days} days behind: "
            "it would still carry out a job that has expired."
        )
    if span >= timedelta(hours=2) and ahead:
        return f"The clock of this host is about {hours} hours ahead: it refuses jobs as expired."
    if span >= timedelta(hours=2):
        return (
            f"The clock of this host is about {hours} hours behind: "
            "it would still carry out a job that has expired."
        )
    if ahead:
        return (
            f"The clock of this host is about {minutes} minutes ahead: it refuses jobs as expired."
        )
    return (
        f"The clock of this host is about {minutes} minutes behind: "
        "it would still carry out a job that has expired."
    )


def _daemon(observed: Observed) -> Iterator[Problem]:
    if observed.daemon.running:
        return
    by_hand = "journalctl -u docker" if observed.service.manager == "systemd" else "the log"
    yield Problem(
        ERROR,
        "Docker does not run on this host.",
        f"What is shown of Docker may be out of date. See {by_hand} on the host for the reason.",
    )


def _config(observed: Observed) -> Iterator[Problem]:
    config = observed.config
    if config.error:
        yield Problem(
            ERROR,
            f"{config.path} cannot be read: {config.error.rstrip('.')}.",
            "Dockernet leaves it untouched. Docker will not start again until it is mended.",
        )
    for key in config.conflicts:
        yield Problem(
            ERROR,
            f"“{key}” is set both as a flag and in {config.path}: Docker will not start again.",
            "Remove one of the two.",
        )


def _conflicts(
    observed: Observed, reserved: tuple[tuple[IPv4Network, str], ...]
) -> Iterator[Problem]:
    """The conflicts that the list of hosts counts: one for each subnet of containers."""
    told: list[str] = []
    for use in subnet_uses(observed):
        if use.use not in (DOCKER0, DOCKER):
            continue
        taken = next(((r, label) for r, label in reserved if r.overlaps(use.subnet)), None)
        if taken:
            told.append(
                f"Containers of the network {use.name} have {use.subnet}, which overlaps "
                f"{taken[0]}, reserved for {taken[1]}."
            )
        elif use.clash:
            told.append(
                f"Containers of the network {use.name} have {use.subnet}, which overlaps "
                f"{use.clash} of the same host."
            )
    for message in told[:_SHOWN]:
        hint = "What has those addresses elsewhere cannot be reached from the containers."
        yield Problem(ERROR, f"Conflict: {message}", hint, place="map")
    if len(told) > _SHOWN:
        yield Problem(ERROR, f"There are {len(told) - _SHOWN} more conflicts.", place="map")


_NEXT_START = "What is configured counts at Docker's next start; until then the kernel's counts."
_UNREAD = "The kernel's counts; what Docker's next start would use is not known."


def _layers(observed: Observed, layers: Layers) -> Iterator[Problem]:
    bridge = default_bridge(observed)
    addresses = observed.addresses_of(bridge)
    if len(addresses) > 1:
        listed = ", ".join(str(a) for a in addresses)
        yield Problem(
            WARNING,
            f"{bridge} has {len(addresses)} addresses: {listed}.",
            "Docker removes at most one of them; a change of the subnet here leaves exactly one.",
        )
    if observed.daemon.running and not layers.agree:
        yield Problem(
            WARNING,
            "The layers do not agree on the subnet of the default bridge.",
            _UNREAD if observed.config.error else _NEXT_START,
            place="layers",
        )


def _containers(observed: Observed) -> Iterator[Problem]:
    for container in observed.containers:
        endpoint = container.endpoint("bridge")
        if not (container.state == "running" and endpoint and endpoint.ipv4):
            continue
        inside = [a.ip for a in container.kernel_ipv4]
        if inside and endpoint.ipv4 not in inside:
            listed = ", ".join(str(ip) for ip in inside)
            yield Problem(
                WARNING,
                f"Docker says {container.name} has {endpoint.ipv4}; in it are {listed}.",
                f"`docker restart {container.name}` gives it a fresh address.",
            )


def _nat(entries: tuple[NatEntry, ...]) -> Iterator[Problem]:
    """One problem for all subnets of a state: with rules switched off, every subnet lacks them."""
    wrong = [entry for entry in entries if entry.state != PRESENT]
    for state in dict.fromkeys(entry.state for entry in wrong):
        same = [entry for entry in wrong if entry.state == state]
        told = [entry.message for entry in same[:_SHOWN]]
        if len(same) > _SHOWN:
            told.append(f"The same goes for {len(same) - _SHOWN} more.")
        hint = "A NAT change mends it."
        if all(entry.mend is None for entry in same):
            hint = "The rule is not Dockernet's; a command removes it."
            if all(entry.by == DOCKERNET for entry in same):
                hint = "Start the container, or publish the port to another one."
        severity = WARNING if state in (DUPLICATE, GONE) else ERROR
        yield Problem(severity, "NAT: " + " ".join(told), hint, place="nat")
