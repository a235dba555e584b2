"""Makes a host's tables have what its NAT settings say, where Docker has them now, and nothing else
of ours."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Network

from attrs import evolve

from netops.engine.errors import OperationFailed
from netops.engine.nat.edits import edits_of, missing_of
from netops.engine.nat.follow import moved, state_now
from netops.engine.nat.own import NAT, own_rules
from netops.engine.nat.ruleset import EMPTY, tables_of
from netops.engine.nat_setting import NatSetting, NatState
from netops.engine.ports import HostPorts

TRIES = 5


def lacking_in(saved: str, state: NatState) -> list[str]:
    """Return what of ours is not as the settings say, in sentences, in what iptables-save says."""
    tables = tables_of(saved)
    return [
        text
        for name, own in own_rules(state.settings).items()
        for text in missing_of(tables.get(name, EMPTY), own)
    ]


def lacking(ports: HostPorts, state: NatState) -> list[str]:
    """Return what of ours is not as the settings say, in sentences; [] where all is."""
    return lacking_in(ports.firewall.saved(), state)


def edit_to(ports: HostPorts, old: NatState, fresh: Sequence[NatSetting]) -> None:
    """Make the tables have the rules of `fresh`; `old` is what was set before.

    Each table is changed whole or not at all. What fails because others wrote at the same moment
    is looked at anew: the tables may even be right by then (libiptc says “invalid argument” when
    only its counters came too late). Raises OperationFailed when it fails again and again.
    """
    docker = any(setting.own_docker for setting in old.settings)
    for attempt in range(1, TRIES + 1):
        tables = tables_of(ports.firewall.saved())
        edits = {
            name: edits_of(tables.get(name, EMPTY), own, docker_was_ours=docker and name == NAT)
            for name, own in own_rules(fresh).items()
        }
        if not any(edits.values()):
            return
        try:
            ports.firewall.edit(edits)
            return
        except OperationFailed:
            if attempt == TRIES:
                raise


def same_family(ports: HostPorts, state: NatState) -> bool:
    """True if dockerd's family of iptables is the one that the settings were made in.

    While dockerd is down nobody knows the PATH that it has, and another binary may be found: what
    is missing there is not missing.
    """
    return not state.family or ports.firewall.family() == state.family


def followed(ports: HostPorts, state: NatState) -> NatState:
    """Return the state as Docker has it now, unchanged while dockerd does not run.

    Raises OperationFailed when dockerd runs and does not answer.
    """
    places = ports.docker.places()
    return state if places is None else state_now(state, places)


def nat_keep(ports: HostPorts) -> list[str]:
    """Put back what of our rules was lost and lead them where Docker has their subnets and
    containers now; return what was missing or has moved, [] where nothing was.

    Others may be writing at the same moment (a Docker that starts): it is looked at again. Raises
    OperationFailed if it is still not there.
    """
    state = ports.nat.read()
    if not state.settings or not same_family(ports, state):
        return []
    missing = lacking(ports, state)
    state, told = _follow(ports, state)
    missing += told
    if not ports.forwarding.enabled():
        ports.forwarding.enable()
        missing.append("forwarding was off")
        switched = tuple(evolve(setting, forwarding_was_off=True) for setting in state.settings)
        state = evolve(state, settings=switched)
        ports.nat.write(state)
    for _ in range(TRIES):
        left = lacking(ports, state)
        if not left:
            return missing
        missing += [text for text in left if text not in missing]
        edit_to(ports, state, state.settings)
    left = lacking(ports, state)
    if left:
        raise OperationFailed(f"Our NAT rules do not stay: {'; '.join(left)}.")
    return missing


def _follow(ports: HostPorts, old: NatState) -> tuple[NatState, list[str]]:
    """Lead rules and settings where Docker has them now; return the state and what has moved."""
    try:
        state = followed(ports, old)
    except OperationFailed:
        # Rules that others removed are put back all the same; the agent looks again soon.
        return old, []
    if state == old:
        return old, []
    # First the rules: a state on disk whose rules were never set would count as followed.
    edit_to(ports, old, state.settings)
    ports.nat.write(state)
    for before, after in zip(old.settings, state.settings, strict=True):
        _forget(ports, before, after)
    return state, list(moved(old, state))


def _forget(ports: HostPorts, before: NatSetting, after: NatSetting) -> None:
    """Forget connections through ports that lead elsewhere now (see `connections_forget`).

    A UDP client that never rests keeps its entry for ever: those go by port. TCP clients connect
    anew; to forget theirs by port would break what containers have open to that port elsewhere.
    """
    was = {publish.port: publish.to for publish in before.publishes}
    led = {publish.port: publish.to for publish in after.publishes}
    for publish in after.desired.publish:
        old, now = was.get(publish.port), led.get(publish.port)
        ends = old or now
        if old == now or ends is None:
            continue
        udp = {(socket.IPPROTO_UDP, publish.l4_port)} if publish.protocol == "udp" else set()
        ports.netlink.forget_connections(IPv4Network(ends), udp)
