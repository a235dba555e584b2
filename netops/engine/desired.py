"""The kinds of change that Dockernet knows: one registry, nothing else lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import frozen

from netops.engine import desired_nat, desired_subnet, planner_nat, planner_subnet
from netops.engine.errors import SpecInvalid
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.ports import Reserved
from netops.engine.serial import Json
from netops.engine.spec_reader import shown


class Desired(Protocol):
    """A parsed specification: what a host shall be. Frozen, comparable."""

    @property
    def kind(self) -> str: ...

    def to_spec(self) -> dict[str, Json]:
        """Return the specification in full; parsing it gives an equal value."""
        ...


@frozen
class KindEntry:
    """How one kind of change is read and planned.

    `parse` raises SpecInvalid with every fault; `plan` is pure and gets the number of the change
    last; `acceptable` are the finding codes that a specification may accept.
    """

    parse: Callable[[object], Desired]
    plan: Callable[[Observed, Any, Reserved, int], Plan]
    acceptable: tuple[str, ...] = ()


KINDS: dict[str, KindEntry] = {
    desired_subnet.KIND: KindEntry(
        parse=desired_subnet.parse,
        plan=planner_subnet.plan,
        acceptable=desired_subnet.ACCEPTABLE,
    ),
    desired_nat.KIND: KindEntry(
        parse=desired_nat.parse,
        plan=planner_nat.plan,
        acceptable=desired_nat.ACCEPTABLE,
    ),
}


def kind_entry(kind: object) -> KindEntry:
    """Return the registry's entry for a kind. Raises SpecInvalid if there is none."""
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    message = f"There is no change of kind “{shown(kind)}”; known are {', '.join(KINDS)}."
    raise SpecInvalid([("kind", "unknown-kind", message)])


def parse_spec(kind: str, spec: object) -> Desired:
    """Return what a specification of that kind asks for.

    Raises SpecInvalid whose `problems` are all faults as (field, code, message).
    """
    return kind_entry(kind).parse(spec)
