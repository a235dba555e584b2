"""All that passes between the site and a host: versioned, typed, signed messages.

A message is one text: base64url(JSON) "." base64url(HMAC-SHA256). Both ends of a host share one
secret, from which a key for each direction is derived (RFC 5869 style, one HMAC with a label), so
that a message of one direction never passes for one of the other. See docs/adr/0001.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import secrets
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from attrs import field, frozen

from netops.engine.errors import MessageRejected
from netops.engine.observed import Observed
from netops.engine.plan import Plan
from netops.engine.serial import Json, from_json, to_json

VERSION = 1
TASK = "dockernet.operate"
# Far above an observation of a thousand containers. The broker must not take much more either
# (docs/deploy.md), for the site reads many messages at a time.
MAX_BYTES = 6 * 1024 * 1024
TO_HOST, TO_SITE = "to-host", "to-site"
HEARTBEAT_S = 10.0

T = TypeVar("T")


def queue_name(host_id: str) -> str:
    """Return the Celery queue (a Redis list) of a host."""
    return f"dn:{host_id}:q"


def stream_name(host_id: str) -> str:
    """Return the Redis stream that a host reports on; each entry has one field, `m`."""
    return f"dn:{host_id}:ev"


@frozen
class ReservedRange:
    """A range that containers must not use, with the team's word for it ("VPN")."""

    subnet: str
    label: str


@frozen
class ObserveRequest:
    """Site to host: look at yourself and report."""

    request_id: str


@frozen
class PlanRequest:
    """Site to host: make the plan of a change. `round` counts the plans of one change from 1."""

    change_id: int
    round: int
    kind: str
    spec: dict[str, Json]
    reserved: tuple[ReservedRange, ...] = ()


@frozen
class ApplyRequest:
    """Site to host: carry out an approved plan, once, begun before `expires_at` (ISO 8601 UTC).

    `time_limit_s` after its start whatever is not done is undone. When all is done the host asks
    (ConfirmAsk), and goes back unless it is answered within `confirm_window_s` seconds; `confirm`
    (site, person) says who answers.
    """

    job_id: str
    change_id: int
    kind: str
    spec: dict[str, Json]
    plan: Plan
    expires_at: str
    reserved: tuple[ReservedRange, ...] = ()
    confirm: str = "site"
    confirm_window_s: float = 60.0
    time_limit_s: float = 900.0


@frozen
class ConfirmGiven:
    """Site to host: keep what the job did; `nonce` is the question's, `by` who says so."""

    job_id: str
    nonce: str
    by: str


@frozen
class CancelRequest:
    """Site to host: stop a job at its next safe point and go back; `by` says so."""

    job_id: str
    by: str


@frozen
class ResendRequest:
    """Site to host: send the events of a job again, those after `after` (0: all)."""

    job_id: str
    after: int


@frozen
class Heartbeat:
    """Host to site, every HEARTBEAT_S seconds; `proof` is the nonce of a ProofAsk, at once."""

    agent_version: str
    boot_id: str
    running_job: str = ""
    proof: str = ""


@frozen
class ObservationReport:
    """Host to site: what the host is. `cause`: requested, start, changed, periodic or job.

    `request_id` is that of the latest request which it answers.
    """

    observed: Observed
    cause: str
    request_id: str = ""


@frozen
class RulesRestored:
    """Host to site: NAT rules of ours that were lost are there again.

    `missing` says in sentences what was lost; `error` why it could not be put back, "" if it was.
    """

    at: str
    missing: tuple[str, ...]
    error: str = ""


@frozen
class PlanReport:
    """Host to site: the plan asked for, or why there is none (`error`)."""

    change_id: int
    round: int
    plan: Plan | None = None
    error: str = ""


@frozen
class JobEvent:
    """Host to site: event `seq` (1, 2, 3 ... within the job) of a job.

    `type` is one of the contract's event types; the last of a job is `end`, whose `data` has
    `state` (succeeded, rolled_back, failed, stale), `outage_s` and `containers`
    ([{name, from, to}] as found after the change).
    """

    job_id: str
    change_id: int
    seq: int
    at: str
    type: str
    step: int | None = None
    message: str = ""
    data: dict[str, Json] = field(factory=dict)


@frozen
class ConfirmAsk:
    """Host to site, over a connection made for it: all is done; is this host still reached?

    `left_s` seconds are left for the answer.
    """

    job_id: str
    nonce: str
    left_s: float


@frozen
class JobRefused:
    """Host to site: a request was not carried out (expired, replayed, busy, malformed)."""

    code: str
    message: str
    job_id: str = ""


@frozen
class ProofAsk:
    """Site to host: prove that you speak now, whatever your clock says: repeat `nonce`."""

    nonce: str


@frozen
class RotateKeys:
    """Site to host: take a new secret and broker password, sealed with the old secret.

    `box` (hex) is both, encrypted (netops.keys.py); to be opened with `nonce` (hex).
    """

    rotation_id: str
    nonce: str
    box: str


@frozen
class KeysRotated:
    """Host to site, sealed with the new secret: the keys of a rotation are in use."""

    rotation_id: str


BODIES: dict[str, type] = {
    c.__name__: c
    for c in (
        ObserveRequest,
        PlanRequest,
        ApplyRequest,
        ConfirmGiven,
        CancelRequest,
        ResendRequest,
        Heartbeat,
        ObservationReport,
        RulesRestored,
        PlanReport,
        JobEvent,
        ConfirmAsk,
        JobRefused,
        ProofAsk,
        RotateKeys,
        KeysRotated,
    )
}


@frozen
class Envelope:
    """What is signed: a body with its name, the host it is for or from, an id and a time."""

    v: int
    type: str
    host: str
    id: str
    at: str
    body: Json


def _key(secret: bytes, direction: str) -> bytes:
    return hmac.new(secret, f"dockernet {direction} v{VERSION}".encode(), hashlib.sha256).digest()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def seal(secret: bytes, direction: str, host_id: str, body: object) -> str:
    """Return `body` (one of BODIES) as a signed message of `direction` for or from `host_id`."""
    at = datetime.now(UTC).isoformat()
    envelope = Envelope(
        VERSION, type(body).__name__, host_id, secrets.token_hex(16), at, to_json(body)
    )
    payload = json.dumps(to_json(envelope), separators=(",", ":")).encode()
    return f"{_b64(payload)}.{_b64(hmac.digest(_key(secret, direction), payload, 'sha256'))}"


def open_sealed(
    secret: bytes, direction: str, host_id: str, text: str, *, max_age: timedelta | None = None
) -> tuple[Envelope, object]:
    """Return the envelope and the body of a message, after every check.

    Raises MessageRejected when it is too long, malformed, of another version, not signed with this
    host's key for this direction, meant for another host, or older than `max_age`.
    """
    if len(text) > MAX_BYTES:
        raise MessageRejected("too-long", "The message is too long.")
    try:
        encoded, _, signature = text.partition(".")
        payload = base64.urlsafe_b64decode(encoded.encode())
        given = base64.urlsafe_b64decode(signature.encode())
    except ValueError as error:
        raise MessageRejected("malformed", "The message cannot be decoded.") from error
    if not hmac.compare_digest(hmac.digest(_key(secret, direction), payload, "sha256"), given):
        raise MessageRejected("bad-signature", "The message is not signed with this host's key.")
    try:
        data = json.loads(payload, parse_constant=_no_number, parse_float=_finite)
        envelope = from_json(Envelope, data)
    except (ValueError, RecursionError) as error:
        raise MessageRejected("malformed", "The message is not JSON.") from error
    _check_envelope(envelope, host_id, max_age)
    return envelope, from_json(BODIES[envelope.type], envelope.body)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _finite(text: str) -> float:
    """No database keeps an infinite number (1e999) in JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def sealed_at(envelope: Envelope) -> datetime:
    """Return when a message was sealed, by the clock of who sealed it.

    Raises MessageRejected when that is no time with a zone.
    """
    try:
        at = datetime.fromisoformat(envelope.at)
        if at.tzinfo is None:
            raise ValueError("no zone")
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MessageRejected("malformed", "The message has no valid time.") from error


def _check_envelope(envelope: Envelope, host_id: str, max_age: timedelta | None) -> None:
    if envelope.v != VERSION:
        raise MessageRejected("version", f"Wire version {envelope.v}, {VERSION} expected.")
    if envelope.host != host_id:
        raise MessageRejected("foreign", "The message is for another host.")
    if envelope.type not in BODIES:
        raise MessageRejected("unknown-type", "The message is of an unknown type.")
    if max_age is None:
        return
    age = datetime.now(UTC) - sealed_at(envelope)
    if age > max_age:
        raise MessageRejected("expired", f"The message is {age.total_seconds():.0f} s old.")
