"""The form for a new subnet of docker0."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from netops.engine.desired_subnet import ACCEPTABLE, KIND
from netops.forms_base import MONO, NEEDED, ChangeForm

ACCEPT_WORDS = {
    "removes-container": _(
        "Containers started with --rm are deleted when they stop for the change."
    ),
    "host-ip-bound": _(
        "Ports published on docker0's present address do not come back by themselves."
    ),
    "overlaps-route": _("The host loses its present way to the addresses that the subnet covers."),
    "swarm-node": _("The host is part of a swarm, whose tasks restart with Docker."),
}


class SubnetForm(ChangeForm):
    """Subnet, gateway, accepted risks. `containers` only serves the size helper."""

    kind = KIND
    short = _("Subnet of docker0")
    heading = _("A new subnet for docker0")
    lead = _("Docker is stopped for it, and every container on docker0 gets a new address.")
    template = "netops/_request_subnet.html"
    side = "netops/_request_subnet_side.html"

    subnet = forms.CharField(
        required=False,
        max_length=64,
        label=_("New subnet of docker0"),
        widget=forms.TextInput(MONO | NEEDED | {"placeholder": "192.168.225.0/24"}),
    )
    containers = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=16_777_213,
        label=_("How many containers?"),
        widget=forms.NumberInput({"class": "form-control", "inputmode": "numeric"}),
    )
    gateway = forms.CharField(
        required=False,
        label=_("Gateway"),
        max_length=64,
        help_text=_("docker0's own address in it. Left empty: the first address of the subnet."),
        widget=forms.TextInput(MONO | {"placeholder": _("the first address")}),
    )
    accept = forms.MultipleChoiceField(
        required=False,
        label=_("Risks that you accept"),
        choices=[(code, ACCEPT_WORDS.get(code, code)) for code in ACCEPTABLE],
        widget=forms.CheckboxSelectMultiple,
    )

    def spec(self) -> dict[str, Any]:
        """Return the specification as the API would get it."""
        data = self.cleaned_data
        spec: dict[str, Any] = {"network": "bridge", "subnet": data.get("subnet", "")}
        if data.get("gateway"):
            spec["gateway"] = data["gateway"]
        if data.get("accept"):
            spec["accept"] = data["accept"]
        return spec

    @staticmethod
    def initial_of(spec: dict[str, Any]) -> dict[str, Any]:
        """Return the initial values that show a specification."""
        return {name: spec.get(name) for name in ("subnet", "gateway", "accept")}
