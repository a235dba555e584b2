"""New keys for a host that has its old ones: nobody is locked out, wherever it stops midway.

Until the host has proved the new secret by a message sealed with it, both secrets open its
messages and the broker takes both passwords. See docs/adr/0007.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.services import audit_note
from hosts.models import Host
from hosts.services import broker_access, dispatch
from hosts.services.broker_access import BrokerAway
from netops.engine.serial import from_json, to_json
from netops.keys import keys_make, keys_pack
from netops.wire import ObserveRequest, RotateKeys
from people.errors import Conflict, Forbidden
from people.models import User

log = logging.getLogger(__name__)
AGAIN = timedelta(seconds=30)


def host_rotate(*, user: User, host: Host) -> Host:
    """Give a host a new secret and a new broker password; it takes them when it is there and idle.

    Raises Forbidden unless `user` is an admin, Conflict if it is pending or revoked or a rotation
    is under way, BrokerAway.
    """
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin rotates the keys of hosts.")
    with transaction.atomic():
        locked = Host.objects.select_for_update().get(pk=host.pk)
        if locked.enrolled_at is None or locked.revoked_at is not None:
            raise Conflict(f"host-{locked.status}", f"{locked.name} is {locked.status}.")
        if locked.next_secret:
            raise Conflict("rotating", f"{locked.name} has not taken its latest new keys yet.")
        keys = keys_make()
        locked.next_secret = keys.secret
        locked.next_broker_digest = broker_access.password_digest(keys.password)
        locked.rotation = to_json(keys_pack(bytes.fromhex(locked.secret), keys))
        locked.rotation_asked_at, locked.rotation_sent_at = timezone.now(), None
        locked.save(update_fields=_FIELDS)
        audit_note(
            action="host.keys_asked",
            by=user.username,
            target=f"host:{locked.name}",
            message=f"{user.username} asked for new keys for {locked.name}.",
        )
        # Before the host can have the password.
        broker_access.acl_apply(locked)
    broker_access.announce_host(locked.pk)
    if locked.is_online:
        rotation_send(host=locked)
    return locked


_FIELDS = ["next_secret", "next_broker_digest", "rotation", "rotation_asked_at", "rotation_sent_at"]


def rotation_send(*, host: Host) -> bool:
    """Send the new keys, the same ones each time; False if the broker is away."""
    if host.rotation is None:
        return False
    try:
        dispatch.send(host=host, body=from_json(RotateKeys, host.rotation))
    except BrokerAway as away:
        log.warning("the new keys of %s wait: %s", host.name, away.message)
        return False
    Host.objects.filter(pk=host.pk).update(rotation_sent_at=timezone.now())
    return True


def rotations_send() -> int:
    """Send again what online hosts have not taken; they refuse it while they are at a job."""
    due = Q(rotation_sent_at=None) | Q(rotation_sent_at__lt=timezone.now() - AGAIN)
    hosts = Host.objects.filter(due, revoked_at=None).exclude(next_secret="").defer("observed")
    return sum(rotation_send(host=host) for host in hosts if host.is_online)


def rotation_finish(*, host: Host) -> bool:
    """The host has proved its new secret: the old one and the old password are worth nothing now.

    `host` carries the `next_secret` that was proved; False if that was taken down before.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = Host.objects.filter(pk=host.pk, next_secret=host.next_secret, revoked_at=None)
        done = rows.update(
            secret=host.next_secret,
            broker_digest=host.next_broker_digest,
            next_secret="",
            next_broker_digest="",
            rotation=None,
            keys_at=now,
        )
        if done != 1:
            return False
        audit_note(
            action="host.keys_rotated",
            by=host.name,
            target=f"host:{host.name}",
            message=f"{host.name} uses its new keys; the old ones are worth nothing.",
        )
    host.refresh_from_db()
    try:
        broker_access.acl_apply(host)
        # Who came in with the old password goes; the host itself is back at once with the new one.
        broker_access.connections_close(host)
        # The first message sealed with the new secret lets the host forget the old one.
        dispatch.send(host=host, body=ObserveRequest("rotated"))
    except BrokerAway as away:
        log.warning("the old password of %s holds until the ingest starts: %s", host.name, away)
    broker_access.announce_host(host.pk)
    return True
