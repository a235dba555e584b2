"""How a host comes in: a one-time token, redeemed for a secret and a broker password."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from attrs import frozen
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.services import audit_note
from hosts.bundle import enroll_command
from hosts.models import EnrolmentToken, Host
from hosts.services import broker_access
from hosts.services.tags import host_tags_set
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENVIRONMENT = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?|")


@frozen
class AgentConfig:
    """What a host needs to be one of ours; /etc/dockernet/agent.json. `secret` is 32 bytes in hex,
    `broker_url` carries the host's own user and password, `broker_ca` names the file beside it with
    the certificates that the broker's must come from."""

    host_id: str
    name: str
    site_url: str
    broker_url: str
    secret: str
    broker_ca: str = ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def site_is_loopback() -> bool:
    """Return True when hosts are told an address of the site that only its own machine reaches."""
    name = urlsplit(settings.DOCKERNET_PUBLIC_URL).hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")


def _line(token: str) -> str:
    return enroll_command(settings.DOCKERNET_PUBLIC_URL, token)


def _why_not(digest: str) -> str:
    """Return the sentence that the install script shows for a token that does not let in."""
    token = EnrolmentToken.objects.filter(digest=digest).first()
    again = "Ask an admin for a new line."
    if token is None:
        return f"This enrolment token is unknown. {again}"
    if token.used_at is not None:
        return f"This enrolment token was used already. {again}"
    if token.expires_at <= timezone.now():
        return f"This enrolment token is too old. {again}"
    return "This host was revoked."


def _token_issue(host: Host) -> str:
    token = secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(seconds=settings.ENROLMENT_TOKEN_S)
    EnrolmentToken.objects.create(host=host, digest=_digest(token), expires_at=expires_at)
    return token


def _note(verb: str, by: str, host: Host, message: str) -> None:
    audit_note(action=f"host.{verb}", by=by, target=f"host:{host.name}", message=message)


def host_create(
    *, user: User, name: str, environment: str = "", tags: Iterable[str] = ()
) -> tuple[Host, str]:
    """Register a host and return it with its enrolment line (valid once, for an hour).

    Raises Forbidden unless `user` is an admin, InvalidInput for a bad name, environment or
    tag, Conflict if the name is taken.
    """
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin adds hosts.")
    if not _NAME.fullmatch(name):
        message = "A name has 1 to 63 of a to z, 0 to 9 and -, with none of - at its ends."
        raise InvalidInput("invalid", message, "name")
    if not _ENVIRONMENT.fullmatch(environment):
        message = "An environment has up to 63 of a to z, 0 to 9, - and _."
        raise InvalidInput("invalid", message, "environment")
    try:
        with transaction.atomic():
            host = Host.objects.create(name=name, environment=environment)
            token = _token_issue(host)
            _note("registered", user.username, host, f"{user.username} registered the host {name}.")
            host_tags_set(user=user, host=host, tags=tags)
    except IntegrityError as error:
        raise Conflict("name-taken", f"There is a host {name} already.", "name") from error
    return host, _line(token)


def enrolment_renew(*, user: User, host: Host) -> str:
    """Return a new enrolment line for a host that is pending; earlier ones stop working.

    Raises Forbidden unless `user` is an admin, Conflict unless the host is pending.
    """
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin enrols hosts.")
    if host.status != Host.Status.PENDING:
        raise Conflict("not-pending", f"{host.name} is {host.status}: it has been enrolled.")
    with transaction.atomic():
        EnrolmentToken.objects.filter(host=host, used_at=None).delete()
        token = _token_issue(host)
        by = user.username
        _note("line_renewed", by, host, f"{by} renewed the enrolment line of {host.name}.")
    return _line(token)


def enrolment_redeem(*, token: str) -> AgentConfig:
    """Use up a token: give its host a secret and a broker password, and let it in.

    Raises Forbidden if the token is unknown, used or too old, BrokerAway (the token stays good).
    """
    now = timezone.now()
    with transaction.atomic():
        tokens = EnrolmentToken.objects.filter(
            digest=_digest(token), used_at=None, expires_at__gt=now, host__revoked_at=None
        )
        found = tokens.select_related("host").first()
        if found is None or tokens.update(used_at=now) != 1:
            raise Forbidden("token", _why_not(_digest(token)))
        host, password = found.host, secrets.token_urlsafe(32)
        host.secret = secrets.token_hex(32)
        host.broker_digest = broker_access.password_digest(password)
        host.enrolled_at = host.keys_at = now
        host.save(update_fields=["secret", "broker_digest", "enrolled_at", "keys_at"])
        _note("enrolled", host.name, host, f"{host.name} enrolled with a line of this site.")
        broker_access.acl_apply(host)
    broker_access.wake_ingest()
    broker_access.announce_host(host.pk)
    return AgentConfig(
        host_id=host.pk,
        name=host.name,
        site_url=settings.DOCKERNET_PUBLIC_URL,
        broker_url=broker_access.host_broker_url(host, password),
        secret=host.secret,
        broker_ca=broker_access.host_broker_ca(),
    )
