"""Findings about the address that packets leave with, and about who can answer to it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from netops.engine.findings.nat_case import NatCase, blocker
from netops.engine.plan import Finding


def source(case: NatCase) -> Iterator[Finding]:
    """Answers to an address that the host lacks would go to somebody else."""
    to = case.desired.to_source
    if to is None:
        return
    links = {a.link for a in case.observed.addresses if a.interface.ip == to}
    if to.is_loopback or links & case.docker_bridges:
        yield from _not_usable(case, to, links)
    elif not links:
        there = _listed(case)
        message = f"This host does not have {to}, so no answer would come back. It has {there}."
        yield blocker("source-not-on-host", message, str(to))
    elif links == {"lo"}:
        yield from _on_loopback(case, to)


def _not_usable(case: NatCase, to: IPv4Address, links: set[str]) -> Iterator[Finding]:
    message = (
        f"{to} is a loopback address, which never leaves a host: no answer would come back. Choose "
        f"one of {_listed(case)}."
    )
    if not to.is_loopback:
        bridge = min(links & case.docker_bridges)
        message = (
            f"{to} is the address of Docker's bridge {bridge}, which others have no way to: no "
            f"answer would come back. Choose one of {_listed(case)}."
        )
    yield blocker("source-not-usable", message, str(to))


def _on_loopback(case: NatCase, to: IPv4Address) -> Iterator[Finding]:
    message = (
        f"{to} stands on lo alone: answers come back only if routers outside have a way to it, as "
        "where BGP announces it from this host."
    )
    yield case.blocker("source-on-loopback", message, str(to))


def _listed(case: NatCase) -> str:
    outside = {
        a.interface.ip
        for a in case.observed.addresses
        if a.link not in case.docker_bridges and a.link != "lo" and not a.interface.ip.is_loopback
    }
    return ", ".join(str(ip) for ip in sorted(outside)) or "none"
