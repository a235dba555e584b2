"""Units that systemd stops together with Docker's, and does not start again with them."""

from __future__ import annotations

from collections.abc import Sequence

from netops.engine.adapters.command import run
from netops.engine.adapters.systemctl import ASK_S, names_in, show_all
from netops.engine.errors import OperationFailed

DOCKER = "docker.service"
_ROOTS = (DOCKER, "docker.socket")
# systemd passes a stop on to these (systemd src/core/unit-dependency-atom.c, PROPAGATE_STOP):
# the other ends of Requires=, Requisite=, BindsTo=, PartOf= and StopPropagatedFrom=.
_STOPPED_WITH = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")
_ENTERED, _LEFT = "ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic"
_UP = frozenset(("active", "reloading", "refreshing", "activating"))


def dependents_read() -> tuple[str, ...]:
    """Return the units that run now and that a stop of Docker's service or socket stops, sorted.

    A oneshot that is at work is left out: it runs when its timer or a person says so, not all the
    time. Raises OperationFailed.
    """
    found: dict[str, dict[str, str]] = {}
    ask: list[str] = [*_ROOTS]
    while ask:
        shown = _shown(ask, "ActiveState", "Type", *_STOPPED_WITH)
        found |= shown
        # Through a unit that is down already, systemd passes no stop on (it drops a redundant job,
        # and then what hung on it: src/core/transaction.c, seen on 252).
        through = [unit for name, unit in shown.items() if name in _ROOTS or not _is_down(unit)]
        further = {name for unit in through for name in _stopped_with(unit)}
        ask = sorted(further - found.keys())
    return tuple(sorted(name for name in found if name not in _ROOTS and _runs(found[name])))


def dependents_start(names: Sequence[str]) -> None:
    """Queue the start of those of `names` that are down, and return without waiting for them.

    A unit that cannot be started keeps no other down: `dependents_down` tells. Raises
    OperationFailed only when systemd itself does not answer.
    """
    down = dependents_down(names)
    if not down:
        return
    # Each failed start counts towards StartLimitBurst.
    run(["systemctl", "reset-failed", "--", *down], ASK_S)
    # Starting a target would start all that it wants, also what a person has stopped.
    targets = [name for name in down if name.endswith(".target")]
    others = [name for name in down if name not in targets]
    if targets:
        alone = "--job-mode=ignore-dependencies"
        run(["systemctl", "start", "--no-block", alone, "--", *targets], ASK_S)
    if others:
        run(["systemctl", "start", "--no-block", "--", *others], ASK_S)


def dependents_down(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of `names` that do not run, nor are being started. Raises OperationFailed.

    A unit that ran since Docker was last away and ended well is not down: its work is done. This
    is only known of units that another one names (an enabled one): systemd forgets the times of
    all others as soon as they end, and they count as down.
    """
    if not names:
        return ()
    shown = _shown([DOCKER, *names], "ActiveState", "Result", "Job", _ENTERED, _LEFT)
    docker = shown[DOCKER]
    away_us = _us(docker, _LEFT) if docker.get("ActiveState") == "active" else None
    return tuple(name for name in names if not _is_up(shown[name], away_us))


def dependents_failed(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of `names` that ended by a failure: nobody has stopped them, which would have
    left them inactive. Raises OperationFailed."""
    if not names:
        return ()
    shown = _shown(names, "ActiveState")
    return tuple(name for name in names if shown[name].get("ActiveState") == "failed")


def _is_up(unit: dict[str, str], away_us: int | None) -> bool:
    """True if it runs, has a start queued, or (`away_us`: Docker's last end) has done its work."""
    if unit.get("ActiveState") in _UP or _us(unit, "Job"):
        return True
    ended_well = unit.get("ActiveState") == "inactive" and unit.get("Result") == "success"
    return away_us is not None and ended_well and _us(unit, _ENTERED) > away_us


def _shown(units: Sequence[str], *properties: str) -> dict[str, dict[str, str]]:
    shown = show_all(units, *properties)
    if not all(unit.get("LoadState") for unit in shown.values()):
        raise OperationFailed("The states of units cannot be read: systemd does not answer.")
    return shown


def _is_down(unit: dict[str, str]) -> bool:
    return unit.get("ActiveState") in ("inactive", "failed")


def _runs(unit: dict[str, str]) -> bool:
    state = unit.get("ActiveState")
    return state in _UP and not (state == "activating" and unit.get("Type") == "oneshot")


def _stopped_with(unit: dict[str, str]) -> list[str]:
    return [name for key in _STOPPED_WITH for name in names_in(unit.get(key, ""))]


def _us(unit: dict[str, str], key: str) -> int:
    text = unit.get(key, "")
    return int(text) if text.isdigit() else 0
