"""Reads of hosts: the one place that chooses joins."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv4Network

from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Entry
from hosts.models import EnrolmentToken, Host, Observation, ReservedRange
from netops.wire import ReservedRange as WireRange
from people.errors import NotFound

# PostgreSQL takes it in no text, not even to look for it.
NUL = "\x00"


def environments() -> list[str]:
    """Return the environments in use, by name."""
    named = Host.objects.exclude(environment="").order_by("environment")
    return list(named.values_list("environment", flat=True).distinct())


def enrolment_until(*, host: Host) -> datetime | None:
    """Return until when a host that is pending can still be enrolled with a line that was made;
    None if no line is good any more."""
    good = EnrolmentToken.objects.filter(host=host, used_at=None, expires_at__gt=timezone.now())
    newest = good.order_by("-expires_at").first()
    return newest.expires_at if newest else None


def fleet_is_empty() -> bool:
    """True if no host was ever added."""
    return not Host.objects.exists()


def host_names(*, limit: int = 200) -> list[str]:
    """Return names of hosts that changes can be asked for, for a field that completes them."""
    hosts = Host.objects.filter(enrolled_at__isnull=False, revoked_at=None)
    return list(hosts.order_by("name").values_list("name", flat=True)[:limit])


def fleet_subnets() -> list[str]:
    """Return the subnets of docker0 in the fleet, each once; revoked hosts do not count."""
    hosts = Host.objects.filter(revoked_at=None).exclude(subnet="")
    return list(hosts.order_by().values_list("subnet", flat=True).distinct())


def host_get(*, name: str) -> Host:
    """Return the host of that name; raises NotFound."""
    host = None if NUL in name else Host.objects.filter(name=name).first()
    if host is None:
        raise NotFound("not-found", "There is no host of that name.")
    return host


def hosts_enrolled() -> QuerySet[Host]:
    """Return the hosts that may speak: enrolled and not revoked."""
    return Host.objects.filter(enrolled_at__isnull=False, revoked_at=None)


def observation_list(*, host: Host, outside: bool = False) -> QuerySet[Observation]:
    """Return the host's history of observations, newest first, without the data itself;
    `outside`: only those whose network changed outside Dockernet."""
    rows = Observation.objects.filter(host=host).defer("data").order_by("-id")
    return rows.filter(origin=Observation.Origin.OUTSIDE) if outside else rows


def observation_before(*, host: Host, at: object) -> Observation | None:
    """Return what the host was at a moment (a datetime), None if nothing was seen by then."""
    seen = Observation.objects.filter(host=host, at__lte=at).exclude(data={})
    return seen.order_by("-at", "-id").first()


def trouble_latest(*, host: Host) -> Entry | None:
    """Return the latest entry of the last week about messages that were not believed."""
    since = timezone.now() - timedelta(days=7)
    entries = Entry.objects.filter(target=f"host:{host.name}", action__startswith="message.")
    return entries.filter(at__gt=since).order_by("-id").first()


def reserved_list() -> QuerySet[ReservedRange]:
    """Return the reserved ranges by address text."""
    return ReservedRange.objects.all()


def reserved_for_wire() -> tuple[WireRange, ...]:
    """Return the reserved ranges as they go to a host with a request."""
    return tuple(WireRange(r.subnet, r.label) for r in ReservedRange.objects.all())


def reserved_networks() -> list[tuple[IPv4Network, str]]:
    """Return the reserved ranges as the engine takes them."""
    return [(IPv4Network(r.subnet), r.label) for r in ReservedRange.objects.all()]
