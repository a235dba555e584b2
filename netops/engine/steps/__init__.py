"""The steps that plans are made of. A module of this folder that defines one is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from netops.engine.errors import Refused
from netops.engine.plan import Plan, StepSpec
from netops.engine.steps.base import Step


@cache
def registry() -> dict[str, type[Step]]:
    """Return {kind: class} of every step there is."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {step.kind: step for step in _subclasses(Step) if step.kind}


def has_undo(spec: StepSpec) -> bool:
    """Return whether a rollback takes anything back of the step; True also where this version
    knows no such kind."""
    found = registry().get(spec.kind)
    return found is None or found.has_undo()


def needs_finish(plan: Plan) -> bool:
    """Return whether a step of the plan has something to let go once the job is confirmed."""
    kinds = (registry().get(spec.kind) for spec in plan.steps)
    return any(kind is not None and kind.has_finish() for kind in kinds)


def _subclasses(kind: type[Step]) -> list[type[Step]]:
    direct = kind.__subclasses__()
    return direct + [below for one in direct for below in _subclasses(one)]


def step_of(spec: StepSpec) -> Step:
    """Return the step of a StepSpec. Raises Refused if this version has no such kind."""
    found = registry().get(spec.kind)
    if found is None:
        raise Refused("unknown-step", f"This host's Dockernet knows no step “{spec.kind}”.")
    return found(dict(spec.params))
