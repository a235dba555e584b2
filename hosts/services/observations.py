"""What a host reported about itself: the latest on the host, a row of history when it changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from hosts.models import Host, Observation
from hosts.observation_diff import differences, steady
from hosts.services import broker_access
from hosts.services.clean import clean
from netops.engine.observed import Observed
from netops.engine.serial import to_json

_VERSION_LENGTH, _CAUSE_LENGTH = 64, 16


def bridge_subnet(observed: Observed) -> str:
    """Return the default bridge's subnet: of docker0 in the kernel, else as Docker has it."""
    network = observed.network("bridge")
    link = network.bridge if network and network.bridge else "docker0"
    addresses = observed.addresses_of(link)
    if addresses:
        return str(addresses[0].network)
    return str(network.subnets[0]) if network and network.subnets else ""


def observation_store(
    *, host: Host, observed: Observed, cause: str, at: datetime | None = None
) -> bool:
    """Keep an observation; return True if the host differs from the one before.

    `at` is when the report reached the site (None: now). The host's own word for the time is kept
    in the data only: its clock may be wrong or be set back. Writes nothing when a report comes a
    second time, after a later one.
    """
    data: dict[str, Any] = clean(to_json(observed))
    now = timezone.now()
    at = min(at or now, now)
    with transaction.atomic():
        kept = Host.objects.select_for_update().get(pk=host.pk)
        # A time to come was kept before the site's clock was set back: it forbids nothing.
        if kept.observed_at is not None and at < kept.observed_at <= now:
            return False
        changed = kept.observed is None or steady(kept.observed) != steady(data)
        if changed:
            summary = "\n".join(differences(kept.observed, data))
            cause = clean(cause)[:_CAUSE_LENGTH]
            Observation.objects.create(host=kept, at=at, cause=cause, data=data, summary=summary)
        Host.objects.filter(pk=host.pk).update(
            observed=data,
            observed_at=at,
            docker_version=clean(observed.daemon.version)[:_VERSION_LENGTH],
            subnet=bridge_subnet(observed),
            container_count=sum(c.running for c in observed.containers),
        )
        transaction.on_commit(lambda: broker_access.announce_host(host.pk))
    return changed
