"""What a host reported about itself: the latest on the host, a row of history when it changed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from hosts.models import Host, Observation
from hosts.observation_diff import OWN_RULES, differences, network_facts, steady
from hosts.selectors import reserved_networks
from hosts.services import broker_access
from hosts.services.clean import clean
from hosts.services.fleet_columns import fleet_columns
from hosts.services.host_subnets import host_subnets_store
from hosts.services.origins import origin_of
from netops.engine.errors import MessageRejected
from netops.engine.observed import Observed
from netops.engine.serial import to_json

# Above a thousand containers; a host that reports more than that is not believed.
MOST_BYTES, KEPT = 2_000_000, 1000
_CAUSE_LENGTH = 16


def history_trim(host: Host) -> None:
    """Remove what is older than the KEPT latest rows of a host's history."""
    rows = Observation.objects.filter(host=host).order_by("-id").values_list("pk", flat=True)
    oldest = rows[KEPT : KEPT + 1].first()
    if oldest is not None:
        Observation.objects.filter(host=host, pk__lte=oldest).delete()


def _origin(kept: Host, data: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The columns that say what changed of the network, and through whom."""
    facts = network_facts(kept.observed, data)
    if not facts:
        return {}
    origin = origin_of(
        host=kept, before=kept.observed_at, looked=_looked((kept.observed or {}).get("at")), at=at
    )
    word = origin.word
    # The agent puts its own rules back without a change when somebody emptied a table.
    if word == Observation.Origin.OUTSIDE and all(t.startswith(OWN_RULES) for t in facts):
        word = Observation.Origin.UNKNOWN
    return {"facts": "\n".join(facts), "origin": word, "change_id": origin.change_id}


def _looked(told: Any) -> datetime | None:
    """When the host says that it took a look, None if it cannot be read."""
    try:
        return datetime.fromisoformat(str(told))
    except ValueError:
        return None


def observation_store(
    *, host: Host, observed: Observed, cause: str, at: datetime | None = None
) -> bool:
    """Keep an observation; return True if the host differs from the one before.

    `at` is when the report reached the site (None: now). The host's own word for the time is kept
    in the data only: its clock may be wrong or be set back. Writes nothing when a report comes a
    second time, after a later one, or for a host that was revoked meanwhile. The KEPT latest rows
    stay. Raises MessageRejected("too-long") for one that is too large to keep.
    """
    data: dict[str, Any] = clean(to_json(observed))
    if len(json.dumps(data)) > MOST_BYTES:
        raise MessageRejected("too-long", "The observation is too large to be kept.")
    now = timezone.now()
    at = min(at or now, now)
    with transaction.atomic():
        kept = Host.objects.select_for_update().get(pk=host.pk)
        # A time to come was kept before the site's clock was set back: it forbids nothing.
        if kept.revoked_at is not None:
            return False
        if kept.observed_at is not None and at < kept.observed_at <= now:
            return False
        changed = kept.observed is None or steady(kept.observed) != steady(data)
        if changed:
            summary = "\n".join(differences(kept.observed, data))
            cause = clean(cause)[:_CAUSE_LENGTH]
            Observation.objects.create(
                host=kept, at=at, cause=cause, data=data, summary=summary, **_origin(kept, data, at)
            )
            history_trim(kept)
            host_subnets_store(host=kept, observed=observed)
        Host.objects.filter(pk=host.pk).update(
            observed=data,
            observed_at=at,
            **fleet_columns(observed, reserved_networks()),
        )
        transaction.on_commit(lambda: broker_access.announce_host(host.pk))
    return changed
