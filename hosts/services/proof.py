"""Asking a host to prove that it speaks now, where the times in its messages go backwards."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from hosts.models import Host
from hosts.services import dispatch
from hosts.services.broker_access import BrokerAway
from netops.wire import ProofAsk

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=10)
_WAITING = 20  # Unfetched messages: a host that is away needs no more of them.


def proof_ask(*, host: Host) -> bool:
    """Send a fresh nonce to the host; its answer counts whatever its clock says.

    At most one in EVERY, and none to a host that fetches nothing; False when none was sent.
    """
    now, nonce = timezone.now(), secrets.token_hex(16)
    due = Q(proof_asked_at=None) | Q(proof_asked_at__lt=now - EVERY)
    rows = Host.objects.filter(due, pk=host.pk, revoked_at=None)
    try:
        if dispatch.waiting(host=host) >= _WAITING:
            return False
        if rows.update(proof_nonce=nonce, proof_asked_at=now) != 1:
            return False
        dispatch.send(host=host, body=ProofAsk(nonce))
    except BrokerAway as away:
        log.warning("%s cannot be asked for a proof: %s", host.name, away.message)
        return False
    return True
