"""Whether a message is news: how far each host was heard, by the times in its own seals.

A host's worker seals what it sends at that moment, one after another, so that each of its messages
is later than the one before. What tells of a state (a sign of life, an observation) and is not
later was recorded and sent again, or the host's clock was set back: it is dropped, and the host is
asked for a proof that it speaks now (ProofAsk). Events, plans and questions have numbers of their
own and are taken at any time, after an outage of hours too. See docs/adr/0008.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from hosts.models import Host
from netops.wire import (
    ConfirmAsk,
    Envelope,
    Heartbeat,
    JobEvent,
    JobRefused,
    KeysRotated,
    ObservationReport,
    RulesRestored,
    sealed_at,
)

STATES = (Heartbeat, ObservationReport, RulesRestored, JobRefused, KeysRotated)
NEWS, AGAIN, REPLAYED = "news", "again", "replayed"


class Heard:
    """How far the hosts of one batch were heard; `host` rows carry it on."""

    def __init__(self) -> None:
        self._moved: dict[str, Host] = {}

    def judge(self, host: Host, entry_id: str, envelope: Envelope, body: object) -> str:
        """Return NEWS; AGAIN for an entry read a second time after trouble of ours; or REPLAYED.

        Raises MessageRejected for a message without a valid time.
        """
        at = sealed_at(envelope)
        nonce = body.proof if isinstance(body, Heartbeat) else ""
        proved = bool(host.proof_nonce) and hmac.compare_digest(
            nonce.encode("utf-8", "replace"), host.proof_nonce.encode()
        )
        if not proved and host.heard_at is not None and at <= host.heard_at:
            return AGAIN if entry_number(entry_id) <= entry_number(host.heard_entry) else REPLAYED
        # The guard of a job, and who undoes one at the console, speak beside the worker: what
        # they say is in no order with the rest.
        if not isinstance(body, ConfirmAsk | JobEvent):
            self._moves(host, at, entry_id, proved)
        return NEWS

    def _moves(self, host: Host, at: datetime, entry_id: str, proved: bool) -> None:
        host.heard_at = at
        if entry_number(entry_id) > entry_number(host.heard_entry):
            host.heard_entry = entry_id
        if proved:
            host.proof_nonce = ""
        self._moved[host.pk] = host

    def store(self) -> None:
        """Keep it, with one query, once everything before it is kept."""
        if self._moved:
            fields = ["heard_at", "heard_entry", "proof_nonce"]
            Host.objects.bulk_update(self._moved.values(), fields)


def entry_number(entry_id: str) -> tuple[int, int]:
    """Return an id of a stream entry as what it counts by (redis.io, XADD)."""
    ms, _, seq = entry_id.partition("-")
    return int(ms or 0), int(seq or 0)
