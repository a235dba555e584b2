"""Reads for the list of all hosts: the number of queries does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from hosts.models import Host, Tag
from hosts.selectors import NUL
from netops.models import Change
from netops.states import HOLDING, State

STATUSES = (
    Host.Status.ONLINE,
    Host.Status.OFFLINE,
    Host.Status.PENDING,
    Host.Status.REVOKED,
)
"""In the order in which they are sorted."""
SORTS = (
    "host", "status", "docker0", "containers", "conflicts", "change", "docker", "seen",
)  # fmt: skip
"""What the list can be sorted by; with "-" before it the other way round."""
_OF_SUBNETS = set("0123456789./")
_FIELDS = {
    "docker0": "subnet_start",
    "containers": "container_count",
    "conflicts": "conflict_count",
    "docker": "docker_version",
    "status": "status_rank",
    "change": "has_change",
}


def host_list(
    *,
    search: str = "",
    environment: str = "",
    status: str = "",
    docker_version: str = "",
    tag: str = "",
    conflicts: str = "",
    changes: str = "",
    sort: str = "",
) -> QuerySet[Host]:
    """Return hosts, narrowed by what is given, by name or as `sort` says.

    Each word of `search` is in the name, the environment, docker0's subnet or a tag; `conflicts`
    and `changes` (under way) are "yes" or "no". What is no such word leaves no host.
    """
    exact = {"environment": environment, "docker_version": docker_version, "tags__name": tag}
    hosts = Host.objects.all()
    if NUL in "".join((search, status, conflicts, changes, *exact.values())):
        return hosts.none()
    hosts = hosts.filter(**{field: value for field, value in exact.items() if value})
    for word in search.split():
        hosts = hosts.filter(_has(word))
    if status:
        hosts = hosts.filter(_status_is(status))
    if conflicts:
        hosts = hosts.filter(_yes_no(conflicts, Q(conflict_count__gt=0), Q(conflict_count=0)))
    if changes:
        changing = Q(pk__in=_changing())
        hosts = hosts.filter(_yes_no(changes, changing, ~changing))
    return _sorted(hosts, sort)


def _has(word: str) -> Q:
    tagged = Host.tags.through.objects.filter(tag__name__icontains=word).values("host_id")
    words = Q(name__icontains=word) | Q(environment__icontains=word) | Q(pk__in=tagged)
    if set(word) <= _OF_SUBNETS:
        # Out of an index that has all of it: in the table, SQLite walks past each `observed`.
        words |= Q(pk__in=Host.objects.filter(subnet__contains=word).order_by().values("pk"))
    return words


def _yes_no(word: str, yes: Q, no: Q) -> Q:
    return {"yes": yes, "no": no}.get(word, Q(pk__in=[]))


def _changing() -> QuerySet[Change, Any]:
    """Hosts (their ids) with a change that holds them, or is being planned."""
    under_way = Change.objects.filter(state__in=[*HOLDING, State.PLANNING])
    return under_way.order_by().values("host_id")


def _status_is(status: str) -> Q:
    limit = timezone.now() - timedelta(seconds=settings.HOST_OFFLINE_AFTER_S)
    enrolled = Q(revoked_at=None, enrolled_at__isnull=False)
    alive = Q(last_seen_at__gte=limit)
    return {
        "revoked": Q(revoked_at__isnull=False),
        "pending": Q(revoked_at=None, enrolled_at=None),
        "online": enrolled & alive,
        "offline": enrolled & (Q(last_seen_at=None) | Q(last_seen_at__lt=limit)),
    }.get(status, Q(pk__in=[]))


def _sorted(hosts: QuerySet[Host], sort: str) -> QuerySet[Host]:
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name == "status":
        ranks = [When(_status_is(s), then=Value(n)) for n, s in enumerate(STATUSES)]
        hosts = hosts.alias(status_rank=Case(*ranks))
    elif name == "change":
        changing = When(pk__in=_changing(), then=Value(1))
        hosts = hosts.alias(has_change=Case(changing, default=Value(0)))
    elif name == "seen":
        seen = F("last_seen_at")
        return hosts.order_by(
            seen.desc(nulls_last=True) if down else seen.asc(nulls_first=True), "name"
        )
    fields = [_FIELDS[name], "name"] if name in _FIELDS else ["name"]
    # Both ways round at once: an index serves either direction.
    return hosts.order_by(*(f"-{field}" if down else field for field in fields))


def host_rows(*, pks: Iterable[str]) -> list[Host]:
    """Return hosts as their list shows them, in the order of `pks`: with their tags, without the
    observation (two queries)."""
    wanted = list(pks)
    found = Host.objects.defer("observed", "rotation").prefetch_related("tags").in_bulk(wanted)
    return [found[pk] for pk in wanted if pk in found]


def docker_versions() -> list[str]:
    """Return the versions of Docker in the fleet, newest first."""
    named = Host.objects.exclude(docker_version="").order_by("docker_version")
    return sorted(named.values_list("docker_version", flat=True).distinct(), key=_version)[::-1]


def _version(text: str) -> list[tuple[int, Any]]:
    parts = text.replace("-", ".").replace("+", ".").split(".")
    return [(1, int(p)) if p.isascii() and p.isdecimal() else (0, p) for p in parts]


def tag_names() -> list[str]:
    """Return the tags in use, by name."""
    return list(Tag.objects.values_list("name", flat=True))
