"""A change of a host's network and all that happened to it."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from hosts.models import Host
from netops.engine.errors import MessageRejected
from netops.engine.plan import Plan
from netops.engine.serial import from_json
from netops.states import AT_REST, HOLDING, RESUMABLE, State


def new_job_id() -> str:
    """Return 32 random hex characters."""
    return secrets.token_hex(16)


class Change(models.Model):
    """What somebody asked for. `plan` is the engine's Plan as JSON, `plan_round` counts plans;
    `last_seq` is the number of its newest event. `confirm`: who confirms the job when all is done,
    within `confirm_window_s` seconds, or the host goes back. `break_glass_by` is the admin who had
    it carried out without approval, "" if nobody did."""

    class Confirm(models.TextChoices):
        SITE = "site", _("The site, by itself")
        PERSON = "person", _("A person")

    host = models.ForeignKey(Host, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=16)
    spec = models.JSONField()
    reason = models.TextField()
    state = models.CharField(max_length=20, choices=State, default=State.PLANNING, db_index=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="changes"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    plan = models.JSONField(null=True, blank=True)
    plan_digest = models.CharField(max_length=64, blank=True)
    plan_round = models.PositiveIntegerField(default=1)
    plan_error = models.TextField(blank=True)
    plan_asked_at = models.DateTimeField(null=True, blank=True)
    planned_at = models.DateTimeField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    reverts = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reverted_by"
    )
    # Whose request this one was made from: mended, with risks accepted, or for another host.
    made_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="made_again"
    )
    confirm = models.CharField(max_length=8, choices=Confirm, default=Confirm.SITE)
    confirm_window_s = models.PositiveIntegerField(default=60)
    break_glass_by = models.CharField(max_length=150, blank=True)
    break_glass_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.UniqueConstraint(
                fields=["host"],
                condition=models.Q(state__in=[str(state) for state in HOLDING]),
                name="one_change_holds_a_host",
            )
        ]

    def __str__(self) -> str:
        return f"change {self.pk}"

    @property
    def holds_host(self) -> bool:
        """True while no other change of its host may go on."""
        return self.state in HOLDING

    @property
    def at_rest(self) -> bool:
        """True when nothing happens to it by itself any more."""
        return self.state in AT_REST

    @property
    def resumable(self) -> bool:
        """True when it rests and a person may set it going again, or take it back."""
        return self.state in RESUMABLE

    @property
    def current_plan(self) -> Plan | None:
        """The plan as the engine's type, None when there is none that it can read."""
        if self.plan is None:
            return None
        try:
            return from_json(Plan, self.plan)
        except MessageRejected:
            return None


class Approval(models.Model):
    """A person's judgement of one plan."""

    class Decision(models.TextChoices):
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="approvals")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="approvals"
    )
    decision = models.CharField(max_length=16, choices=Decision)
    comment = models.TextField(blank=True)
    plan_digest = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.decision} by {self.by_id}"


class Comment(models.Model):
    """What somebody said about a change. Never edited, never removed, and of no weight: only an
    approval or a rejection decides."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="comments")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments"
    )
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"comment {self.pk} on change {self.change_id}"


class PlanVersion(models.Model):
    """Each plan that a host made for a change, kept as it was shown; `round` counts as the change's
    `plan_round`. `config_before` is the text of dockerd's configuration file that it was made
    from, None where the site had not seen that very file."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="plan_versions")
    round = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    plan = models.JSONField()
    config_before = models.TextField(null=True)  # noqa: DJ001 - "" is a file that is empty
    at = models.DateTimeField()

    class Meta:
        ordering = ("round",)
        constraints = [
            models.UniqueConstraint(fields=["change", "round"], name="one_plan_in_a_round")
        ]

    def __str__(self) -> str:
        return f"plan {self.round} of change {self.change_id}"


class Job(models.Model):
    """One carrying-out of an approved plan. `result` is the data of its end event;
    `alive_at` the last sign that the host works on it; `last_seq` its newest stored event.
    `started_at` and the end that a host told are by the host's clock; `begin_heard_at` and
    `end_heard_at` are when its first event and its latest end reached the site's broker.
    `confirm_nonce` is what the host sent over a fresh connection when all was done; the answer must
    carry it before `confirm_until`, or the host goes back."""

    id = models.CharField(max_length=32, primary_key=True, default=new_job_id, editable=False)
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="jobs")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    begin_heard_at = models.DateTimeField(null=True, blank=True)
    end_heard_at = models.DateTimeField(null=True, blank=True)
    resend_asked_at = models.DateTimeField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    confirm_nonce = models.CharField(max_length=64, blank=True)
    confirm_until = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.CharField(max_length=150, blank=True)
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    cancel_by = models.CharField(max_length=150, blank=True)
    outage_s = models.FloatField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"job {self.pk}"


class Event(models.Model):
    """Entry `seq` (1, 2, 3 ...) of a change's history; `job_seq` is its number on the host."""

    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    job_seq = models.PositiveIntegerField(null=True, blank=True)
    at = models.DateTimeField()
    type = models.CharField(max_length=32)
    step = models.PositiveIntegerField(null=True, blank=True)
    message = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("change", "seq")
        constraints = [
            models.UniqueConstraint(fields=["change", "seq"], name="event_number_in_change"),
            models.UniqueConstraint(fields=["job", "job_seq"], name="event_number_in_job"),
        ]

    def __str__(self) -> str:
        return f"event {self.seq} of change {self.change_id}"
