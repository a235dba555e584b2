"""What comes from the site: every message is checked, then handed to who does it, at once."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from netops.agent.config import AgentConfig, Place
from netops.agent.emitter import Emitter
from netops.agent.hands import Hands
from netops.agent.jobs import EventLog, JobFolder, job_create, job_find, jobs_all
from netops.agent.lock import job_lock_held
from netops.agent.orders import Orders
from netops.agent.rotate import keys_drop_old, keys_take
from netops.engine.errors import MessageRejected, Refused
from netops.engine.plan import digest_of
from netops.wire import (
    TO_HOST,
    ApplyRequest,
    CancelRequest,
    ConfirmGiven,
    Envelope,
    JobRefused,
    KeysRotated,
    ObserveRequest,
    PlanRequest,
    ProofAsk,
    ResendRequest,
    RotateKeys,
    open_sealed,
)

log = logging.getLogger(__name__)
# Requests that change nothing may be this old; a job has an expiry of its own.
MAX_AGE = timedelta(days=1)
_REMEMBERED = 5000


class Runner:
    """Dispatches sealed messages. Nothing here takes long: it runs in the worker's event loop.

    Who holds `between_messages` can be sure that no message is half dealt with.
    """

    def __init__(
        self,
        config: AgentConfig,
        place: Place,
        emitter: Emitter,
        hands: Hands,
        begin_anew: Callable[[], None],
    ) -> None:
        """`begin_anew` starts the agent again with the configuration that is on disk."""
        self._config = config
        self._begin_anew = begin_anew
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._place = place
        self._emitter = emitter
        self._hands = hands
        self.between_messages = threading.Lock()
        self._handlers: dict[type, Callable[[Any], None]] = {
            ObserveRequest: self._observe,
            PlanRequest: self._plan,
            ApplyRequest: self._apply,
            ConfirmGiven: self._confirm,
            CancelRequest: self._cancel,
            ResendRequest: self._resend,
            ProofAsk: self._prove,
            RotateKeys: self._rotate,
        }

    def receive(self, text: object) -> None:
        """Open one message and do what it asks for; a refusal goes to the site and the log."""
        with self.between_messages:
            self._receive(text)

    def _receive(self, text: object) -> None:
        job_id = ""
        try:
            if not isinstance(text, str):
                raise MessageRejected("malformed", "The message is not text.")
            envelope, body = self._open(text)
            job_id = getattr(body, "job_id", "")
            self._use_up(envelope.id)
            handler = self._handlers.get(type(body))
            if handler is None:
                raise MessageRejected("unknown-type", "The message asks for nothing.")
            handler(body)
        except Refused as error:
            log.warning("refused (%s): %s", error.code, error.message)
            self._emitter.send(JobRefused(error.code, error.message, job_id[:64]))

    def _open(self, text: str) -> tuple[Envelope, object]:
        """Open with this host's key; with the former one too until the site uses the new."""
        config = self._config
        try:
            opened = open_sealed(config.key, TO_HOST, config.host_id, text, max_age=MAX_AGE)
        except MessageRejected as error:
            if error.code != "bad-signature" or not config.old_secret:
                raise
            return open_sealed(config.old_key, TO_HOST, config.host_id, text, max_age=MAX_AGE)
        if config.old_secret:
            with contextlib.suppress(Refused):  # A full disk: with the next message then.
                self._config = keys_drop_old(self._place.config, config)
        return opened

    def _use_up(self, message_id: str) -> None:
        """Refuse a message that was received before.

        After a restart that is forgotten: what matters then is on disk (jobs), and to look, to plan
        or to tell again does no harm.
        """
        if message_id in self._seen:
            raise Refused("replayed", "This message was given to this host before.")
        self._seen[message_id] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    def _prove(self, request: ProofAsk) -> None:
        self._emitter.prove(request.nonce)

    def _rotate(self, request: RotateKeys) -> None:
        if request.rotation_id == self._config.rotation_id:
            self._emitter.send(KeysRotated(request.rotation_id))
            return
        if self._hands.job or job_lock_held(self._place.lock):
            raise Refused("busy", "This host takes new keys when its job has ended.")
        keys_take(self._place.config, self._config, request)
        self._begin_anew()

    def _observe(self, request: ObserveRequest) -> None:
        self._hands.observe(request.request_id)

    def _plan(self, request: PlanRequest) -> None:
        self._hands.plan(request)

    def _resend(self, request: ResendRequest) -> None:
        job = job_find(self._place.jobs, request.job_id)
        if job is None:
            raise Refused("unknown-job", "This host has no such job; it did nothing for it.")
        self._emitter.resend(job, request.after)

    def _confirm(self, given: ConfirmGiven) -> None:
        Orders(self._under_way(given.job_id).path).confirm(given.nonce, given.by)

    def _cancel(self, request: CancelRequest) -> None:
        Orders(self._under_way(request.job_id).path).cancel(request.by)

    def _under_way(self, job_id: str) -> JobFolder:
        job = job_find(self._place.jobs, job_id)
        if job is None:
            raise Refused("unknown-job", "This host has no such job; it did nothing for it.")
        if job.ended:
            raise Refused("ended", "That job has ended already.")
        return job

    def _apply(self, request: ApplyRequest) -> None:
        _check_expiry(request.expires_at)
        plan = request.plan
        if plan.kind != request.kind or plan.spec != request.spec:
            raise MessageRejected("malformed", "The plan is not one for this request.", "plan")
        if digest_of(plan.spec, plan.basis, plan.steps) != plan.digest:
            raise MessageRejected("altered", "The plan does not have the digest it names.", "plan")
        if plan.blocked:
            raise Refused("blocked", "The plan has a blocker.")
        if job_find(self._place.jobs, request.job_id) is not None:
            raise Refused("replayed", "This job was given to this host before.")
        latest = list(jobs_all(self._place.jobs))[-1:]
        if self._hands.job or job_lock_held(self._place.lock) or not all(j.ended for j in latest):
            raise Refused("busy", "This host is at another job.")
        job = job_create(self._place.jobs, request)
        # The first word goes out before anything heavy starts.
        events = EventLog(job, request.change_id)
        events("state", "The host has the job.", state="running")
        events.close(0)
        self._emitter.job_changed(job)
        self._hands.carry_out(job)


def _check_expiry(text: str) -> None:
    try:
        expires_at = datetime.fromisoformat(text)
        late = datetime.now(UTC) - expires_at
    except (ValueError, TypeError) as error:
        raise MessageRejected("malformed", "The job has no valid expiry.", "expires_at") from error
    if late > timedelta(0):
        seconds = late.total_seconds()
        text = f"The job expired {seconds:.0f} s ago by this host's clock; nothing was done."
        raise Refused("expired", text)
