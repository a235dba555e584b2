"""People, hosts and changes in the database, as the services would have left them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from attrs import evolve
from django.db import transaction
from django.utils import timezone

from hosts.models import Host, Observation, ReservedRange
from hosts.selectors import reserved_networks
from hosts.services.fleet_columns import fleet_columns
from hosts.services.host_subnets import host_subnets_store
from netops.engine.desired import parse_spec
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.planner import make_plan
from netops.engine.serial import to_json
from netops.engine.steps import has_undo
from netops.models import Approval, Change, Event, Job
from netops.services.plan_versions import plan_version_keep
from netops.states import State
from people.models import User
from tests.pages.host_example import observed as example

NEW_SUBNET = "192.168.225.0/24"


def user(name: str, role: str) -> User:
    """Return the person of that name and role; the password is the name."""
    found = User.objects.filter(username=name).first()
    return found or User.objects.create_user(name, password=name, role=role)


def host(name: str = "web-1", *, online: bool = True, **fields: Any) -> Host:
    """Return an enrolled host that has reported; `observed` may be given or left out by None."""
    seen = fields.pop("observed", ...)
    report: Observed | None = example(name=name) if seen is ... else seen
    now = timezone.now()
    values: dict[str, Any] = {
        "name": name,
        "environment": "production",
        "enrolled_at": now - timedelta(days=3),
        "last_seen_at": now if online else now - timedelta(minutes=7),
        "agent_version": "0.1.0",
        "secret": "00" * 32,
    }
    if report is not None:
        seen_at = now - timedelta(seconds=20)
        told = report if "observed_at" in fields else evolve(report, at=seen_at.isoformat())
        values |= {
            "observed": to_json(told),
            "observed_at": seen_at,
            **fleet_columns(report, reserved_networks()),
        }
    made = Host.objects.create(**{**values, **fields})
    if report is not None:
        host_subnets_store(host=made, observed=report)
    return made


def observation(
    of: Host, summary: str, *, ago: timedelta = timedelta(hours=1), **fields: Any
) -> Observation:
    """Return one row of a host's history."""
    at = timezone.now() - ago
    return Observation.objects.create(
        host=of, at=at, cause="changed", summary=summary, data=of.observed or {}, **fields
    )


def reserved(subnet: str, label: str) -> ReservedRange:
    """Return a reserved range."""
    return ReservedRange.objects.create(subnet=subnet, label=label)


class Story:
    """A change that is told event by event, each `seconds` after the one before."""

    def __init__(
        self,
        of: Host,
        by: User,
        *,
        spec: dict[str, Any] | None = None,
        kind: str = "subnet",
        reason: str = "The VPN of the Seoul office uses 172.17.0.0/16.",
        ago: timedelta = timedelta(minutes=12),
    ) -> None:
        self.now = timezone.now() - ago
        asked = spec or {"network": "bridge", "subnet": NEW_SUBNET}
        self.change = Change.objects.create(
            host=of,
            kind=kind,
            spec=parse_spec(kind, asked).to_spec(),
            reason=reason,
            requested_by=by,
            plan_asked_at=self.now,
        )
        Change.objects.filter(pk=self.change.pk).update(created_at=self.now)
        self.job: Job | None = None
        self.tell("state", f"{by} asked for this change.", data={"state": "planning"}, seconds=0)

    def tell(
        self,
        type_: str,
        message: str = "",
        *,
        step: int | None = None,
        data: dict[str, Any] | None = None,
        seconds: float = 0.4,
    ) -> Event:
        """Append one event."""
        self.now += timedelta(seconds=seconds)
        self.change.last_seq += 1
        self.change.save(update_fields=["last_seq"])
        data = dict(data or {})
        if type_ == "end":
            data["total"] = self.change.last_seq
        return Event.objects.create(
            change=self.change,
            seq=self.change.last_seq,
            at=self.now.astimezone(UTC),
            type=type_,
            step=step,
            message=message,
            data=data,
        )

    @transaction.atomic
    def enter(
        self,
        state: State,
        message: str,
        *,
        end: bool = False,
        seconds: float = 0.5,
        **data: str,
    ) -> None:
        """Go into a state, and say so."""
        Change.objects.filter(pk=self.change.pk).update(state=state, updated_at=self.now)
        self.change.state = state
        self.tell("state", message, data={"state": str(state), **data}, seconds=seconds)
        if end:
            self.tell("end", message, data={"state": str(state)}, seconds=0)

    @property
    def plan(self) -> Plan:
        """The plan, after `planned`."""
        plan = self.change.current_plan
        assert plan is not None
        return plan

    @transaction.atomic
    def planned(self, reserved_ranges: tuple[Any, ...] = ()) -> Story:
        """Make the plan from the host's observation, as the agent would."""
        seen = self.change.host.observation
        assert seen is not None
        desired = parse_spec(self.change.kind, self.change.spec)
        plan = make_plan(seen, desired, reserved_ranges, self.change.pk)
        self.change.plan, self.change.plan_digest = to_json(plan), plan.digest
        self.change.planned_at = self.now + timedelta(seconds=1)
        self.change.save(update_fields=["plan", "plan_digest", "planned_at"])
        plan_version_keep(self.change, self.change.host)
        if plan.blocked:
            said = "The plan is blocked; its findings say by what, and what to do."
            self.enter(State.BLOCKED, said, end=True)
        else:
            self.enter(State.AWAITING_APPROVAL, "The host made the plan; it waits for approval.")
        return self

    @transaction.atomic
    def judged(self, by: User, decision: str = "approved", comment: str = "") -> Story:
        """Approve or reject the plan."""
        self.now += timedelta(minutes=4)
        given = Approval.objects.create(
            change=self.change,
            by=by,
            decision=decision,
            comment=comment,
            plan_digest=self.change.plan_digest,
        )
        Approval.objects.filter(pk=given.pk).update(at=self.now)
        if decision == "rejected":
            self.enter(State.REJECTED, f"{by} rejected the plan.", end=True, by=str(by))
        else:
            self.enter(State.APPROVED, f"{by} approved the plan.", by=str(by))
            self.job = Job.objects.create(
                change=self.change, expires_at=self.now + timedelta(minutes=10)
            )
        return self

    def began(self) -> Story:
        """The host begins the job."""
        assert self.job is not None
        self.enter(State.RUNNING, "The host has the job.", seconds=0.1)
        self.job.started_at = self.now
        self.job.save(update_fields=["started_at"])
        return self

    def did(self, steps: int, output: str = "") -> Story:
        """The first `steps` steps go through; `output` is said in the last of them."""
        for number in range(1, steps + 1):
            title = self.plan.steps[number - 1].title
            self.tell("step_started", title, step=number, seconds=0.05)
            if output and number == steps:
                self.tell("output", output, step=number)
            self.tell("step_done", title, step=number, seconds=0.3)
        return self

    def held(self, confirm: str = "person", left_s: float = 300.0) -> Story:
        """Every step is done, and the host waits for the confirm."""
        assert self.job is not None
        self.did(len(self.plan.steps))
        self.change.confirm, self.job.confirm_nonce = confirm, "ab" * 16
        self.change.confirm_window_s = max(
            self.change.confirm_window_s, 300 * int(left_s // 300 + 1)
        )
        self.job.confirm_until = timezone.now() + timedelta(seconds=left_s)
        self.change.save(update_fields=["confirm", "confirm_window_s"])
        self.job.save(update_fields=["confirm_nonce", "confirm_until"])
        self.tell("state", "Every step is done and proved.", data={"state": "running"})
        return self

    @transaction.atomic
    def ended(
        self, state: State, message: str, outage_s: float | None = None, left: tuple[str, ...] = ()
    ) -> Story:
        """The job ends: with the addresses as foretold but for the first two, which swapped, or,
        taken back, with the former ones; failed, Docker gives none."""
        assert self.job is not None
        back = state == State.ROLLED_BACK
        moves = [
            {"name": c.name, "from": str(c.from_), "to": str(c.from_ if back else c.to)}
            for c in self.plan.containers
        ]
        if len(moves) > 1 and not back:
            moves[0]["to"], moves[1]["to"] = moves[1]["to"], moves[0]["to"]
        if state == State.FAILED:
            moves = []
        self.job.outage_s, self.job.finished_at = outage_s, self.now
        told = {"state": str(state), "outage_s": outage_s, "containers": moves, "left": list(left)}
        self.job.result = told
        self.job.save(update_fields=["outage_s", "finished_at", "result"])
        self.enter(state, message, end=True)
        return self


def story_succeeded(of: Host, by: User, approver: User, **fields: Any) -> Change:
    """Return a change that went well."""
    told = Story(of, by, **fields).planned().judged(approver, comment="Looks right, go ahead.")
    told.began().did(len(told.plan.steps), "All that ran runs again, after 2.1 s.")
    away = 2.1 if told.plan.expected_outage_s else 0.0
    return told.ended(State.SUCCEEDED, "Every step is done and proved.", away).change


def story_rolled_back(of: Host, by: User, approver: User, **fields: Any) -> Change:
    """Return a change whose last but one step failed and that was undone."""
    told = Story(of, by, **fields).planned().judged(approver).began()
    last = len(told.plan.steps) - 1
    told.did(last - 1)
    told.tell("step_started", told.plan.steps[last - 1].title, step=last)
    why = "shop-worker has no address in the network bridge."
    told.tell("step_failed", why, step=last, seconds=1.5)
    title = told.plan.steps[last - 1].title
    why = f"Step {last}, “{title}”, failed: {why}"
    told.tell("rollback_started", f"{why} The host goes back, last step first.")
    for number in range(last, 0, -1):
        spec = told.plan.steps[number - 1]
        if has_undo(spec):
            told.tell("output", f"Undone: {spec.title}.", step=number, seconds=0.2)
    told.tell("rolled_back", f"{why} The host is as it was.")
    return told.ended(State.ROLLED_BACK, f"{why} The host is as it was.", 6.4).change
