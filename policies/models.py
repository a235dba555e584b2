"""The rules of an environment: how many approvals, by whom, and when nothing is carried out."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

MOST_APPROVALS = 5


class Action(models.TextChoices):
    """What a grant lets somebody do. `cancel` is also to confirm a job that waits for a person."""

    REQUEST = "request", _("Request")
    APPROVE = "approve", _("Approve")
    CANCEL = "cancel", _("Cancel and confirm")


class EnvironmentPolicy(models.Model):
    """The rules for changes of the hosts of one environment; the row of the environment "" is for
    every environment that has none of its own.

    Of `approvals_needed`, `approvals_from_group` must come from members of `approver_group`. A plan
    waits `approval_expires_s` seconds for them (null: as long as the site's settings say). Where
    `..._granted_only` is set, the role is not enough and a Grant is needed too.
    """

    environment = models.CharField(max_length=63, unique=True, blank=True)
    approvals_needed = models.PositiveSmallIntegerField(default=1)
    approver_group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="approves_for"
    )
    approvals_from_group = models.PositiveSmallIntegerField(default=0)
    approval_expires_s = models.PositiveIntegerField(null=True, blank=True)
    request_granted_only = models.BooleanField(default=False)
    approve_granted_only = models.BooleanField(default=False)
    cancel_granted_only = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("environment",)
        constraints = [
            models.CheckConstraint(
                condition=models.Q(approvals_needed__range=(1, MOST_APPROVALS)),
                name="one_to_five_approvals",
            ),
            models.CheckConstraint(
                condition=models.Q(approvals_from_group__lte=models.F("approvals_needed")),
                name="no_more_from_group_than_needed",
            ),
            models.CheckConstraint(
                condition=models.Q(approver_group=None, approvals_from_group=0)
                | models.Q(approver_group__isnull=False, approvals_from_group__gte=1),
                name="from_a_group_that_there_is",
            ),
        ]

    def __str__(self) -> str:
        return f"the policy of {self.environment}" if self.environment else "the default policy"

    def granted_only(self, action: str) -> bool:
        """True when the role is not enough for an action."""
        return bool(getattr(self, f"{Action(action)}_granted_only"))


class Grant(models.Model):
    """Lets one person, or the members of one group, do what their role allows, where a policy
    asks for a grant."""

    policy = models.ForeignKey(EnvironmentPolicy, on_delete=models.CASCADE, related_name="grants")
    action = models.CharField(max_length=8, choices=Action)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="grants",
    )
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="grants"
    )

    class Meta:
        ordering = ("action", "id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user=None, group__isnull=False)
                | models.Q(user__isnull=False, group=None),
                name="grant_to_a_person_or_a_group",
            ),
            models.UniqueConstraint(fields=["policy", "action", "user"], name="grant_to_a_person"),
            models.UniqueConstraint(fields=["policy", "action", "group"], name="grant_to_a_group"),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.user or self.group}"


class Freeze(models.Model):
    """What every time without changes has: for hosts of which environment, or `everywhere`."""

    environment = models.CharField(max_length=63, blank=True)
    everywhere = models.BooleanField(default=False)
    reason = models.CharField(max_length=200)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.reason


class FreezeWindow(Freeze):
    """From `starts_at` up to `ends_at` no approved plan is carried out."""

    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("starts_at", "id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="freeze_ends_after_start",
            )
        ]


class WeeklyFreeze(Freeze):
    """The same every week: from a weekday (0 is Monday) and time up to another, by the clocks of
    `time_zone` (an IANA name)."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    from_weekday = models.PositiveSmallIntegerField(choices=Weekday)
    from_time = models.TimeField()
    to_weekday = models.PositiveSmallIntegerField(choices=Weekday)
    to_time = models.TimeField()
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        ordering = ("from_weekday", "from_time", "id")
