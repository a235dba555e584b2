"""Reads of changes: the one place that chooses joins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Case, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When

from hosts.selectors import NUL
from netops.event_row import EventRow, row_of
from netops.models import Approval, Change, Event, Job
from netops.selectors_now import with_now
from netops.states import AT_REST, HOLDING, State
from people.errors import NotFound

SORTS = {
    "change": ("pk",),
    "state": ("state", "-pk"),
    "host": ("host__name", "-pk"),
    "requester": ("requested_by__username", "-pk"),
}
"""What the history can be sorted by; with "-" before it the other way round."""


def change_history(
    *,
    q: str = "",
    environment: str = "",
    since: date | None = None,
    until: date | None = None,
    sort: str = "",
    **filters: str,
) -> QuerySet[Change]:
    """Return changes as `change_list`, narrowed further.

    Each word of `q` is in the host's name, the reason, the requester's name or the subnet, or is
    the number of the change ("#12"); `since` and `until` are days in UTC of the request, both
    included; `sort` is a word of SORTS. Texts must be without NUL.
    """
    changes = change_list(**filters)
    if environment:
        changes = changes.filter(host__environment=environment)
    for word in q.split():
        changes = changes.filter(_has(word))
    if since is not None:
        changes = changes.filter(created_at__gte=_midnight(since))
    if until is not None and until < date.max:
        changes = changes.filter(created_at__lt=_midnight(until + timedelta(days=1)))
    fields = SORTS.get(sort.removeprefix("-"))
    if fields is None:
        return changes
    if not sort.startswith("-"):
        return changes.order_by(*fields)
    first = fields[0]
    return changes.order_by(f"-{first}", *fields[1:])


def _has(word: str) -> Q:
    number = word.removeprefix("#")
    said = Q(host__name__icontains=word) | Q(reason__icontains=word)
    said |= Q(requested_by__username__icontains=word) | Q(spec__subnet__icontains=word)
    if number.isascii() and number.isdecimal() and len(number) < 10:
        said |= Q(pk=int(number))
    return said


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def change_list(
    *, host: str = "", state: str = "", kind: str = "", requested_by: str = ""
) -> QuerySet[Change]:
    """Return changes, newest first, narrowed by what is given (names of host and requester), with
    host and requester, without their plans and the host's observation."""
    changes = Change.objects.select_related("host", "requested_by")
    changes = changes.defer("plan", "host__observed")
    given = {
        "host__name": host,
        "state": state,
        "kind": kind,
        "requested_by__username": requested_by,
    }
    if any(NUL in value for value in given.values()):
        return changes.none()
    return changes.filter(**{key: value for key, value in given.items() if value})


def change_full_list(**filters: str) -> QuerySet[Change]:
    """Return changes as `change_list`, each with its plan, approvals and jobs (four queries)."""
    return with_details(change_list(**filters).defer(None).defer("host__observed"))


def with_details(changes: QuerySet[Change]) -> QuerySet[Change]:
    """Add approvals (with who gave them) and jobs to a query of changes, and `break_glass_at`, when
    the glass was last broken (None: never)."""
    broken = Event.objects.filter(change=OuterRef("pk"), type="state", data__break_glass=True)
    at = Subquery(broken.order_by("-seq").values("at")[:1])
    # Looked up only for those that carry the mark: hardly any.
    changes = changes.annotate(
        break_glass_at=Case(When(break_glass_by="", then=Value(None)), default=at)
    )
    approvals = Prefetch("approvals", Approval.objects.select_related("by"))
    return changes.prefetch_related(approvals, "jobs")


def change_get(*, pk: int) -> Change:
    """Return a change with its host and requester; raises NotFound."""
    found = Change.objects.select_related("host", "requested_by").filter(pk=pk).first()
    if found is None:
        raise NotFound("not-found", f"There is no change {pk}.")
    return found


def change_approvals(*, change: Change) -> list[Approval]:
    """Return the judgements of a change, oldest first."""
    return list(Approval.objects.filter(change=change).select_related("by"))


def change_job(*, change: Change) -> Job | None:
    """Return the latest job of a change, None before it was approved."""
    return Job.objects.filter(change=change).first()


def changes_holding(*, host_ids: Iterable[str]) -> dict[str, list[Change]]:
    """Return the unfinished changes of hosts (by host id): those that hold them, and planning;
    `with_now`."""
    found: dict[str, list[Change]] = {}
    states = [*HOLDING, State.PLANNING]
    changes = Change.objects.filter(host_id__in=list(host_ids), state__in=states)
    for change in with_now(changes).only("pk", "host_id", "state", "kind"):
        found.setdefault(change.host_id, []).append(change)
    return found


def subnets_asked_for() -> list[str]:
    """Return the subnets that changes under way ask for, each once. What its host refused, or was
    made for another state of it, asks for nothing until it is asked again."""
    states = [*HOLDING, State.PLANNING]
    specs = Change.objects.filter(kind="subnet", state__in=states).values_list("spec", flat=True)
    return sorted({str(spec["subnet"]) for spec in specs if spec.get("subnet")})


def events_after(*, change_id: int, after: int = 0, limit: int | None = None) -> list[EventRow]:
    """Return the events of a change with `seq` above `after`, in order."""
    events = Event.objects.filter(change_id=change_id, seq__gt=after).order_by("seq")
    return [row_of(event) for event in events[:limit]]


def change_at_rest(*, change_id: int) -> bool:
    """Return True when no event will follow by itself, or there is no such change."""
    return not Change.objects.filter(pk=change_id).exclude(state__in=AT_REST).exists()


def change_full(*, pk: int) -> Change:
    """Return a change with host, requester, approvals and jobs (three queries); raises NotFound."""
    found = with_details(Change.objects.select_related("host", "requested_by"))
    change = found.defer("host__observed").filter(pk=pk).first()
    if change is None:
        raise NotFound("not-found", f"There is no change {pk}.")
    return change
