"""Signs of life of the hosts, taken down many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from hosts.models import Host
from hosts.services import broker_access
from netops.wire import Heartbeat


def heartbeats_store(*, beats: Mapping[str, Heartbeat | None]) -> list[str]:
    """Note that hosts (by id) are alive; return those that had been taken for offline.

    None as a heartbeat is a sign of life without news. One UPDATE for all, one more for each host
    whose agent or boot is another than before.
    """
    if not beats:
        return []
    now = timezone.now()
    hosts = Host.objects.filter(pk__in=list(beats), revoked_at=None)
    limit = now - timedelta(seconds=settings.HOST_OFFLINE_AFTER_S)
    away = Q(went_offline_at__isnull=False) | Q(last_seen_at=None) | Q(last_seen_at__lt=limit)
    back = list(hosts.filter(away).values_list("pk", flat=True))
    known = {pk: (v, b) for pk, v, b in hosts.values_list("pk", "agent_version", "boot_id")}
    # The news first: whoever sees a host online shall see what it said of itself, too.
    for host_id, beat in beats.items():
        if beat is None or host_id not in known:
            continue
        version, boot = beat.agent_version[:64], beat.boot_id[:64]
        if known[host_id] != (version, boot):
            hosts.filter(pk=host_id).update(agent_version=version, boot_id=boot)
    hosts.update(last_seen_at=now, went_offline_at=None)
    for host_id in back:
        broker_access.announce_host(host_id)
    return back


def offline_mark() -> int:
    """Note, once, which hosts have gone silent, so that live pages show it; return how many."""
    now = timezone.now()
    limit = now - timedelta(seconds=settings.HOST_OFFLINE_AFTER_S)
    silent = Host.objects.filter(
        last_seen_at__lt=limit, went_offline_at=None, enrolled_at__isnull=False, revoked_at=None
    )
    gone = list(silent.values_list("pk", flat=True))
    for host_id in gone:
        if silent.filter(pk=host_id).update(went_offline_at=now):
            broker_access.announce_host(host_id)
    return len(gone)
