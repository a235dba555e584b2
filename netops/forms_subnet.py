"""The form for a new subnet of docker0. It carries the input; the service judges it."""

from __future__ import annotations

from typing import Any

from django import forms

from netops.engine.desired_subnet import ACCEPTABLE, KIND

_LINE = {"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
_MONO = {**_LINE, "class": "form-control mono"}
_NEEDED = {"aria-required": "true"}

ACCEPT_WORDS = {
    "removes-container": "Containers started with --rm are deleted when they stop for the change.",
    "host-ip-bound": "Ports published on docker0's present address do not come back by themselves.",
    "overlaps-route": "The host loses its present way to the addresses that the subnet covers.",
    "swarm-node": "The host is part of a swarm, whose tasks restart with Docker.",
}


class SubnetForm(forms.Form):
    """Host, subnet, gateway, accepted risks, reason. `containers` only serves the size helper.

    No field is required here, so that every fault is told by the same service and in the same
    words as the API tells it.
    """

    kind = KIND
    template = "netops/_request_subnet.html"

    host = forms.CharField(
        required=False,
        max_length=63,
        widget=forms.TextInput(_LINE | _NEEDED | {"list": "host-names"}),
    )
    subnet = forms.CharField(
        required=False,
        max_length=64,
        label="New subnet of docker0",
        widget=forms.TextInput(_MONO | _NEEDED | {"placeholder": "192.168.225.0/24"}),
    )
    containers = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=16_777_213,
        label="How many containers?",
        widget=forms.NumberInput({"class": "form-control", "inputmode": "numeric"}),
    )
    gateway = forms.CharField(
        required=False,
        max_length=64,
        help_text="docker0's own address in it. Left empty: the first address of the subnet.",
        widget=forms.TextInput(_MONO | {"placeholder": "192.168.225.1"}),
    )
    accept = forms.MultipleChoiceField(
        required=False,
        label="Risks that you accept",
        choices=[(code, ACCEPT_WORDS.get(code, code)) for code in ACCEPTABLE],
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        required=False,
        max_length=2000,
        help_text="It stays in the record, for whoever looks back in a year.",
        widget=forms.Textarea(_NEEDED | {"class": "form-control", "rows": 3}),
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
        """Return the initial values that show an earlier specification."""
        return {name: spec.get(name) for name in ("subnet", "gateway", "accept")}
