"""Entries of several hosts' streams, opened, sorted by kind and handed to the services."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import frozen
from django.db import InterfaceError, OperationalError

from hosts.models import Host
from hosts.services import heartbeats_store, observation_store
from hosts.services.clean import clean_text
from hosts.services.proof import proof_ask
from hosts.services.restorations import restoration_store
from hosts.services.rotation import rotation_finish
from hosts.services.trouble import DROPPED, FORGED, REFUSAL_CODES, REFUSED, Troubles
from netops.engine.errors import MessageRejected
from netops.ingest.heard import AGAIN, REPLAYED, STATES, Heard
from netops.ingest.settle import settle_after_return
from netops.services.confirms import confirm_asked
from netops.services.events import job_events_store
from netops.services.jobs import job_refusal_store, jobs_alive
from netops.services.plans import plan_store
from netops.wire import (
    TO_SITE,
    ConfirmAsk,
    Envelope,
    Heartbeat,
    JobEvent,
    JobRefused,
    KeysRotated,
    ObservationReport,
    PlanReport,
    RulesRestored,
    open_sealed,
)

log = logging.getLogger(__name__)
SET_ASIDE = 65_536
# An observation or a plan of the most that is kept (2,000,000 bytes of JSON) in base64, and its
# envelope; anything longer would be parsed for nothing.
MOST_TEXT = 2_700_000
_TOO_LONG = f"it is longer than the {MOST_TEXT} characters that anything kept can have."
_OLD = "it is older than what was heard before: sent again, or the host's clock was set back."


@frozen
class Arrived:
    """A report and when the site's broker took it: a clock of ours, not the host's."""

    at: datetime


@frozen
class ArrivedObservation(Arrived):
    """What a host is."""

    report: ObservationReport


@frozen
class ArrivedEvent(Arrived):
    """What a host does for a job."""

    report: JobEvent


@frozen
class ArrivedRestoration(Arrived):
    """What a host has put back."""

    report: RulesRestored


LARGE = (PlanReport, ArrivedRestoration)


class Batch:
    """What one read brought. `done` are entry ids by host; `set_aside` messages that our own code
    failed on, kept for us to look at. `troubles` counts what is not believed."""

    def __init__(self, troubles: Troubles | None = None) -> None:
        self._troubles = troubles or Troubles()
        self._heard = Heard()
        self._proved: dict[str, Host] = {}
        self._doubtful: dict[str, Host] = {}
        self.done: dict[str, list[str]] = {}
        self.set_aside: list[str] = []
        self._beats: dict[str, Heartbeat | None] = {}
        self._hosts: dict[str, Host] = {}
        self._todo: list[tuple[Host, object, str]] = []
        # Only the latest of each host: fifty of one host must not take the time of all.
        self._observations: dict[str, tuple[Host, object, str]] = {}
        self._asking: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.done)

    def add(self, host: Host, entries: list[tuple[str, str]]) -> None:
        """Open a host's entries (id, sealed text); what is not truly from it is dropped.

        `host` is as the database has it now: its keys and how far it was heard.
        """
        self._hosts[host.pk] = host
        for entry_id, text in entries:
            self.done.setdefault(host.pk, []).append(entry_id)
            if len(text) > MOST_TEXT:
                self._troubles.note(host, DROPPED, "too-long", _TOO_LONG)
                continue
            try:
                envelope, body = self._open(host, text)
            except MessageRejected as error:
                self._troubles.note(host, FORGED, error.code, error.message)
                continue
            try:
                verdict = self._heard.judge(host, entry_id, envelope, body)
            except MessageRejected as error:
                self._troubles.note(host, DROPPED, error.code, error.message)
                continue
            if verdict == REPLAYED:
                self._doubtful[host.pk] = host
                self._troubles.note(host, DROPPED, "replayed", _OLD)
            if verdict in (REPLAYED, AGAIN):
                if not isinstance(body, STATES):
                    self._sort(host, entry_id, body, text)
                continue
            self._doubtful.pop(host.pk, None)
            self._beats.setdefault(host.pk, None)
            self._sort(host, entry_id, body, text)

    def _sort(self, host: Host, entry_id: str, body: object, text: str) -> None:
        """Put a believed message where `store` takes it from."""
        if isinstance(body, Heartbeat):
            self._beats[host.pk] = _cleaned(body)
        elif isinstance(body, ObservationReport):
            arrived = ArrivedObservation(_arrival(entry_id), body)
            self._observations[host.pk] = (host, arrived, text)
        elif isinstance(body, RulesRestored):
            self._todo.append((host, ArrivedRestoration(_arrival(entry_id), body), text))
        elif isinstance(body, JobEvent):
            self._todo.append((host, ArrivedEvent(_arrival(entry_id), body), text))
        else:
            if isinstance(body, ConfirmAsk):
                self._asking.add(host.pk)
            self._todo.append((host, body, text))

    def _open(self, host: Host, text: str) -> tuple[Envelope, object]:
        """Open with the host's secret, or with one that it was given and has not proved yet."""
        try:
            return open_sealed(bytes.fromhex(host.secret), TO_SITE, host.pk, text)
        except MessageRejected as error:
            if error.code != "bad-signature" or not host.next_secret:
                raise
            opened = open_sealed(bytes.fromhex(host.next_secret), TO_SITE, host.pk, text)
            self._proved[host.pk] = host
            return opened

    def finish(self) -> None:
        """What follows once the entries are off their streams: a proof of new keys, doubts.

        Raises OperationalError or InterfaceError; it then follows the next message.
        """
        for host in self._proved.values():
            rotation_finish(host=host)
        for host in self._doubtful.values():
            proof_ask(host=host)
        self._troubles.flush()

    def store(self) -> None:
        """Take everything down, what cannot wait first: hosts that ask for a confirm, events, signs
        of life; then plans and observations, which may be large.

        Raises OperationalError or InterfaceError when the database is away; nothing may be deleted
        from the streams then.
        """
        large = [one for one in self._todo if isinstance(one[1], LARGE)]
        small = [one for one in self._todo if not isinstance(one[1], LARGE)]
        # A host's own messages stay in order: its confirm comes after the events before it.
        small.sort(key=lambda one: one[0].pk not in self._asking)
        self._take(small)
        back = heartbeats_store(beats=self._beats)
        jobs_alive(
            running={h: b.running_job for h, b in self._beats.items() if b and b.running_job}
        )
        # Before what may fail: read again, a host would not be one that is back.
        for host_id in back:
            settle_after_return(self._hosts[host_id])
        self._take([*large, *self._observations.values()])
        self._heard.store()

    def _take(self, todo: list[tuple[Host, object, str]]) -> None:
        for host, body, text in _grouped(todo):
            try:
                if isinstance(body, JobRefused) and body.code in REFUSAL_CODES:
                    self._troubles.note(host, REFUSED, body.code, body.message)
                _HANDLERS.get(type(body), _nothing)(host, body)
            except MessageRejected as error:
                self._troubles.note(host, DROPPED, error.code, error.message)
            except (OperationalError, InterfaceError):
                raise
            except Exception:  # one bad message must not stop all hosts; it is kept and logged
                log.exception("a %s of %s could not be taken", type(body).__name__, host.name)
                if len(text) <= SET_ASIDE:
                    self.set_aside.append(text)


def _grouped(todo: list[tuple[Host, object, str]]) -> list[tuple[Host, Any, str]]:
    """Events of one job that follow each other become one list, for one transaction."""
    grouped: list[tuple[Host, Any, str]] = []
    for host, body, text in todo:
        before = grouped[-1] if grouped else None
        if isinstance(body, ArrivedEvent):
            same = before is not None and before[0] is host and isinstance(before[1], list)
            if same and before is not None and before[1][0].report.job_id == body.report.job_id:
                before[1].append(body)
                continue
            grouped.append((host, [body], text))
        else:
            grouped.append((host, body, text))
    return grouped


def _cleaned(beat: Heartbeat) -> Heartbeat:
    """Return a heartbeat whose texts every database takes."""
    return Heartbeat(
        clean_text(beat.agent_version), clean_text(beat.boot_id), clean_text(beat.running_job)
    )


def _arrival(entry_id: str) -> datetime:
    """Return when an entry came, by its id, which the broker makes (redis.io, XADD); a host that
    writes one of the future gains nothing."""
    now = datetime.now(UTC)
    ms = int(entry_id.partition("-")[0])
    return now if ms > now.timestamp() * 1000 else datetime.fromtimestamp(ms / 1000, UTC)


def _observation(host: Host, arrived: ArrivedObservation) -> None:
    report = arrived.report
    observation_store(host=host, observed=report.observed, cause=report.cause, at=arrived.at)


def _restoration(host: Host, arrived: ArrivedRestoration) -> None:
    report = arrived.report
    restoration_store(host=host, missing=report.missing, error=report.error, at=arrived.at)


def _plan(host: Host, report: PlanReport) -> None:
    plan_store(host=host, report=report)


def _events(host: Host, arrived: list[ArrivedEvent]) -> None:
    job_events_store(
        host=host,
        job_id=arrived[0].report.job_id,
        events=[one.report for one in arrived],
        arrived=(arrived[0].at, arrived[-1].at),
    )


def _refused(host: Host, refused: JobRefused) -> None:
    job_refusal_store(host=host, refused=refused)


def _confirm(host: Host, ask: ConfirmAsk) -> None:
    confirm_asked(host=host, ask=ask)


def _rotated(host: Host, rotated: KeysRotated) -> None:
    """Its seal is the proof, which `finish` acts on."""


def _nothing(host: Host, body: object) -> None:
    log.warning("%s sent a %s, which is not for us", host.name, type(body).__name__)


_HANDLERS: dict[type, Callable[[Host, Any], None]] = {
    ArrivedObservation: _observation,
    ArrivedRestoration: _restoration,
    PlanReport: _plan,
    list: _events,
    JobRefused: _refused,
    ConfirmAsk: _confirm,
    KeysRotated: _rotated,
}
