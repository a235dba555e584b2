"""NAT rules that a host has put back by itself: an entry in its history that says what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from hosts.models import Host, Observation
from hosts.services import broker_access
from hosts.services.clean import clean_text
from hosts.services.observations import history_trim

CAUSE = "nat"
MOST_TOLD, LONGEST, REPEATED = 20, 300, timedelta(minutes=1)


def restoration_store(*, host: Host, missing: Sequence[str], error: str, at: datetime) -> None:
    """Keep what a host's agent says of rules that were lost; `at` is when the report came.

    The row has no observation: what the host is now comes by itself.
    `error` is why they could not be put back, "" if they were.
    """
    told = [clean_text(text)[:LONGEST] for text in missing[:MOST_TOLD]]
    if error:
        why = clean_text(error)[:LONGEST]
        summary = f"NAT rules of Dockernet are missing and could not be put back: {why}"
    else:
        summary = f"Dockernet put its NAT rules back: {'; '.join(told)}."
    with transaction.atomic():
        kept = Host.objects.select_for_update().get(pk=host.pk)
        latest = Observation.objects.filter(host=kept).order_by("-id").first()
        if latest and latest.summary == summary and at - latest.at < REPEATED:
            return  # Somebody else insists: once a minute says it.
        Observation.objects.create(host=kept, at=at, cause=CAUSE, data={}, summary=summary)
        history_trim(kept)
        transaction.on_commit(lambda: broker_access.announce_host(host.pk))
