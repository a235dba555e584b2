"""What people do with a host that is there: look again, lock it out."""

from __future__ import annotations

import secrets

from django.db import transaction
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from hosts.services import broker_access, dispatch
from netops.wire import ObserveRequest
from people.errors import Conflict, Forbidden
from people.models import User

MOST_WAITING = 20  # Messages that a host has not fetched yet, above which nobody need ask again.


def require_online(host: Host) -> None:
    """Raise Conflict unless the host can be given work now."""
    if not host.is_online:
        raise Conflict(f"host-{host.status}", f"{host.name} is {host.status}.", "host")


def host_refresh(*, user: User, host: Host) -> str:
    """Ask the host to look at itself; return the id of the request. A report follows.

    Raises Forbidden, Conflict if the host is not online or fetches nothing, BrokerAway.
    """
    if not user.has_role("viewer"):
        raise Forbidden("role", "You may not do that.")
    require_online(host)
    if dispatch.waiting(host=host) >= MOST_WAITING:
        text = f"{host.name} has not fetched {MOST_WAITING} messages yet; wait for it."
        raise Conflict("busy", text, "host")
    request_id = secrets.token_hex(8)
    dispatch.send(host=host, body=ObserveRequest(request_id))
    return request_id


def host_revoke(*, user: User, host: Host) -> None:
    """Lock a host out at once and for good. Its history stays.

    Raises Forbidden unless `user` is an admin, Conflict if it is revoked already.
    """
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin revokes hosts.")
    now = timezone.now()
    with transaction.atomic():
        locked_out = {"revoked_at": now, "secret": "", "next_secret": "", "rotation": None}
        if Host.objects.filter(pk=host.pk, revoked_at=None).update(**locked_out) != 1:
            raise Conflict("revoked", f"{host.name} has been revoked already.")
        audit_note(
            action="host.revoked",
            by=user.username,
            target=f"host:{host.name}",
            message=f"{user.username} revoked the host {host.name}.",
        )
    host.refresh_from_db()
    try:
        broker_access.acl_remove(host)
    finally:
        broker_access.wake_ingest()
        broker_access.announce_host(host.pk)
