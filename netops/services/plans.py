"""Plans: asked for, and taken down when the host has made one."""

from __future__ import annotations

import json
import logging

from django.db import transaction
from django.utils import timezone

from hosts.models import Host
from hosts.selectors import reserved_for_wire
from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from hosts.services.clean import clean, clean_text
from netops.engine.desired import parse_spec
from netops.engine.errors import SpecInvalid
from netops.engine.plan import Plan, digest_of
from netops.engine.serial import to_json
from netops.models import Change
from netops.services.moves import change_lock, state_enter
from netops.services.plan_versions import plan_version_keep
from netops.states import HOLDING, State
from netops.wire import PlanReport, PlanRequest

MOST_BYTES = 2_000_000
log = logging.getLogger(__name__)


def plan_ask(change: Change) -> bool:
    """Send the change's plan request to its host; False if the broker is away (a sweep repeats)."""
    request = PlanRequest(
        change_id=change.pk,
        round=change.plan_round,
        kind=change.kind,
        spec=change.spec,
        reserved=reserved_for_wire(),
    )
    try:
        dispatch.send(host=change.host, body=request)
    except BrokerAway as away:
        log.warning("change %s: the plan request waits: %s", change.pk, away.message)
        return False
    Change.objects.filter(pk=change.pk).update(plan_asked_at=timezone.now())
    return True


@transaction.atomic
def plan_store(*, host: Host, report: PlanReport) -> bool:
    """Keep the plan a host made; False when nobody waits for it (an older round, a withdrawn
    change, another host's)."""
    mine = Change.objects.filter(pk=report.change_id, host=host, state=State.PLANNING)
    if not mine.filter(plan_round=report.round).exists():
        return False
    locked_host = Host.objects.select_for_update().get(pk=host.pk)
    change = change_lock(report.change_id)
    if change.state != State.PLANNING or change.plan_round != report.round:
        return False
    error = report.error if report.plan is None else _fault(change, report.plan)
    if report.plan is None or error:
        text = clean_text(error) or "The host made no plan and gave no reason."
        _enter(change, State.BLOCKED, f"No plan: {text}", plan=None, plan_error=text)
        return True
    _store(change, report.plan)
    plan_version_keep(change, locked_host)
    return True


def _fault(change: Change, plan: Plan) -> str:
    """Return why a plan cannot be shown for approval, "" when it can."""
    try:
        same = parse_spec(plan.kind, plan.spec) == parse_spec(change.kind, change.spec)
    except SpecInvalid:
        same = False
    if plan.kind != change.kind or not same:
        return "The host planned something else than was asked for."
    if digest_of(plan.spec, plan.basis, plan.steps) != plan.digest:
        return "The digest of the host's plan does not fit the plan."
    if clean(to_json(plan)) != to_json(plan):
        return "The host's plan has characters that cannot be kept."
    if len(json.dumps(to_json(plan))) > MOST_BYTES:
        return "The host's plan is too large to be kept."
    return ""


def _store(change: Change, plan: Plan) -> None:
    holder = Change.objects.filter(host_id=change.host_id, state__in=HOLDING).first()
    data, digest = to_json(plan), plan.digest
    if plan.blocked:
        message = "The plan is blocked; its findings say by what, and what to do."
        _enter(change, State.BLOCKED, message, plan=data, plan_digest=digest)
    elif holder is not None:
        text = f"Change {holder.pk} is open on this host; ask for a new plan when it is done."
        _enter(change, State.BLOCKED, text, plan=data, plan_digest=digest, plan_error=text)
    else:
        message = "The host made the plan; it waits for approval."
        _enter(change, State.AWAITING_APPROVAL, message, plan=data, plan_digest=digest)


def _enter(change: Change, to: State, message: str, **fields: object) -> None:
    fields = {"plan_error": "", **fields, "planned_at": timezone.now()}
    state_enter(change, to, message, fields=fields)
