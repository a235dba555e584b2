"""Makes a host's tables have what its NAT settings say, and nothing else of ours."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from netops.engine.errors import OperationFailed
from netops.engine.nat.edits import edits_of, missing_of
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


def nat_keep(ports: HostPorts) -> list[str]:
    """Put back what of our rules was lost; return what was missing, [] where nothing was.

    Others may be writing at the same moment (a Docker that starts): it is looked at again. Raises
    OperationFailed if it is still not there.
    """
    state = ports.nat.read()
    if not state.settings or not same_family(ports, state):
        return []
    missing: list[str] = []
    if not ports.forwarding.enabled():
        ports.forwarding.enable()
        missing.append("forwarding was off")
        switched = tuple(evolve(setting, forwarding_was_off=True) for setting in state.settings)
        state = evolve(state, settings=switched)
        ports.nat.write(state)
    left: list[str] = []
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
