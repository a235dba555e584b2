"""Forms about policies. The services check the input; these only carry it."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from policies.models import MOST_APPROVALS, Action, EnvironmentPolicy, WeeklyFreeze

_TEXT = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
_SELECT = {"class": "form-select"}
_BOX = {"class": "form-check-input"}
_NEEDED = {"aria-required": "true"}
_ENVIRONMENT = _TEXT | {"list": "environment-names"}


def _choices(numbers: range) -> list[tuple[int, str]]:
    return [(number, str(number)) for number in numbers]


class PolicyForm(forms.Form):
    """A policy, whole."""

    approvals_needed = forms.TypedChoiceField(
        label=_("Approvals needed"),
        coerce=int,
        choices=_choices(range(1, MOST_APPROVALS + 1)),
        help_text=_("Of different people; never of who asked for the change."),
        widget=forms.Select(_SELECT),
    )
    approver_group = forms.CharField(
        required=False,
        max_length=150,
        label=_("Approver group"),
        widget=forms.TextInput(_TEXT | {"list": "group-names"}),
    )
    approvals_from_group = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label=_("Of these, from the group"),
        choices=[("", "All"), *_choices(range(1, MOST_APPROVALS + 1))],
        widget=forms.Select(_SELECT),
    )
    hours = forms.FloatField(
        required=False,
        label=_("A plan waits for approval, in hours"),
        widget=forms.TextInput(_TEXT | {"inputmode": "decimal"}),
    )
    request_granted_only = forms.BooleanField(
        required=False, label=_("Request changes"), widget=forms.CheckboxInput(_BOX)
    )
    approve_granted_only = forms.BooleanField(
        required=False, label=_("Approve and reject"), widget=forms.CheckboxInput(_BOX)
    )
    cancel_granted_only = forms.BooleanField(
        required=False, label=_("Cancel and confirm jobs"), widget=forms.CheckboxInput(_BOX)
    )

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        values = dict(self.cleaned_data)
        hours = values.pop("hours")
        values["approval_expires_s"] = None if hours is None else round(hours * 3600)
        if not values["approver_group"].strip():
            values["approvals_from_group"] = None
        return values

    @staticmethod
    def initial_of(policy: EnvironmentPolicy) -> dict[str, Any]:
        """Return the values that show a policy."""
        seconds = policy.approval_expires_s
        return {
            "approvals_needed": policy.approvals_needed,
            "approver_group": policy.approver_group.name if policy.approver_group else "",
            "approvals_from_group": policy.approvals_from_group or "",
            "hours": None if seconds is None else f"{seconds / 3600:g}",
            "request_granted_only": policy.request_granted_only,
            "approve_granted_only": policy.approve_granted_only,
            "cancel_granted_only": policy.cancel_granted_only,
        }


class NewPolicyForm(PolicyForm):
    """A policy for an environment that is named here."""

    environment = forms.CharField(
        label=_("Environment"),
        max_length=63,
        help_text=_("As it stands on the hosts."),
        widget=forms.TextInput(_ENVIRONMENT),
    )
    field_order = ("environment",)


class GrantForm(forms.Form):
    """A grant to a person or to a group."""

    action = forms.ChoiceField(label=_("May"), choices=Action.choices, widget=forms.Select(_SELECT))
    person = forms.CharField(
        required=False,
        max_length=150,
        label=_("Person"),
        widget=forms.TextInput(_TEXT | {"list": "user-names"}),
    )
    group = forms.CharField(
        required=False,
        max_length=150,
        label=_("Or a group"),
        widget=forms.TextInput(_TEXT | {"list": "group-names"}),
    )


class _FreezeForm(forms.Form):
    where = forms.ChoiceField(
        label=pgettext_lazy("freeze", "Where"),
        choices=[
            ("one", _("In one environment")),
            ("all", _("In all environments")),
            ("none", _("On hosts without an environment")),
        ],
        initial="one",
        widget=forms.Select(_SELECT),
    )
    environment = forms.CharField(
        label=_("Environment"),
        required=False,
        max_length=63,
        help_text=_("Only for one environment: its name, as it stands on the hosts."),
        widget=forms.TextInput(_ENVIRONMENT),
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=200, widget=forms.TextInput(_TEXT | _NEEDED)
    )

    def clean(self) -> dict[str, Any]:
        """Hold the environment against where the freeze shall hold."""
        values = super().clean() or {}
        one, named = values.get("where") == "one", values.get("environment", "").strip()
        if one and not named:
            self.add_error("environment", _("Which environment?"))
        elif named and not one:
            self.add_error("environment", _("Leave this empty, or choose “In one environment”."))
        return values

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        values = dict(self.cleaned_data)
        values["everywhere"] = values.pop("where") == "all"
        return values


class FreezeForm(_FreezeForm):
    """A freeze from a moment up to another, both in UTC."""

    starts_at = forms.DateTimeField(
        label=_("From (UTC)"),
        widget=forms.DateTimeInput(
            {"class": "form-control", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
    )
    ends_at = forms.DateTimeField(
        label=_("Until (UTC)"),
        widget=forms.DateTimeInput(
            {"class": "form-control", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"
        ),
    )
    field_order = ("starts_at", "ends_at", "reason", "where", "environment")

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        values = super().values()
        for name in ("starts_at", "ends_at"):
            values[name] = values[name].astimezone(UTC)
        return values


class WeeklyFreezeForm(_FreezeForm):
    """A freeze that comes again every week."""

    from_weekday = forms.TypedChoiceField(
        label=pgettext_lazy("period", "From"),
        coerce=int,
        choices=WeeklyFreeze.Weekday.choices,
        widget=forms.Select(_SELECT),
    )
    from_time = forms.TimeField(
        label=_("At"), widget=forms.TimeInput({"class": "form-control", "type": "time"})
    )
    to_weekday = forms.TypedChoiceField(
        label=_("Until"),
        coerce=int,
        choices=WeeklyFreeze.Weekday.choices,
        widget=forms.Select(_SELECT),
    )
    to_time = forms.TimeField(
        label=_("At"), widget=forms.TimeInput({"class": "form-control", "type": "time"})
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        initial="UTC",
        max_length=64,
        help_text=_("Such as Europe/Berlin or Asia/Seoul."),
        widget=forms.TextInput(_TEXT),
    )
    field_order = (
        "from_weekday",
        "from_time",
        "to_weekday",
        "to_time",
        "time_zone",
        "reason",
        "where",
        "environment",
    )


class GroupForm(forms.Form):
    """A new group."""

    name = forms.CharField(label=_("Name"), max_length=100, widget=forms.TextInput(_TEXT))


class MemberForm(forms.Form):
    """One more member."""

    name = forms.CharField(
        label=_("Person"), max_length=150, widget=forms.TextInput(_TEXT | {"list": "user-names"})
    )
