"""From a host as observed and a wish to a plan. Pure: the same input gives the same plan."""

from __future__ import annotations

from netops.engine.basis import differences
from netops.engine.desired import Desired, kind_entry, parse_spec
from netops.engine.errors import Stale
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.ports import Reserved


def make_plan(
    observed: Observed, desired: Desired, reserved: Reserved = (), change_id: int = 0
) -> Plan:
    """Return the plan that makes `observed` what `desired` says.

    `reserved` are the site's ranges (network, label) that containers must not use, `change_id` is
    the change's number, for what is left on the host to tell where it came from. A plan with
    blockers has no steps. Its digest covers spec, basis and steps, not the findings' wording.
    """
    return kind_entry(desired.kind).plan(observed, desired, reserved, change_id)


def require_same(
    plan: Plan, observed: Observed, reserved: Reserved = (), change_id: int = 0
) -> Plan:
    """Return the plan made anew from `observed`, if it is the one that was approved.

    Raises Stale, with the differences in sentences, if the host (or what this version of
    Dockernet would do on it) is no longer what `plan` says.
    """
    fresh = make_plan(observed, parse_spec(plan.kind, plan.spec), reserved, change_id)
    if fresh.digest == plan.digest and not fresh.blocked:
        return fresh
    found = differences(plan.basis, fresh.basis)
    if fresh.blocked and not plan.blocked:
        found += [f.message for f in fresh.findings if f.severity == "blocker"]
    raise Stale(found or ["The steps would be different now; ask for a new plan."])
