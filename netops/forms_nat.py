"""The form for the NAT of a subnet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from netops.engine.desired_nat import ACCEPTABLE, KIND, MASQUERADE, NONE, SNAT
from netops.forms_base import MONO, NEEDED, ChangeForm

MODE_WORDS = (
    (
        MASQUERADE,
        _("Masquerade"),
        _("Packets leave with the address of the link that they leave by."),
    ),
    (SNAT, "SNAT", _("Packets leave with one address of the host, always the same.")),
    (NONE, _("None of ours"), _("Dockernet translates nothing; what Docker does itself stays.")),
)
ACCEPT_WORDS = {
    "source-on-loopback": _(
        "Routers outside have a way to the address on lo, as where BGP announces it."
    ),
}
_TEXTS = ("subnet", "mode", "to_source", "out_interface")
_AREA = {"class": "form-control mono", "spellcheck": "false", "autocomplete": "off"}


class NatForm(ChangeForm):
    """Subnet, way out, published ports; lists are written one item a line."""

    kind = KIND
    short = _("NAT rules")
    heading = _("NAT for a subnet")
    lead = _(
        "Docker keeps running, and so do the containers: only rules of Dockernet's own change."
    )
    template = "netops/_request_nat.html"
    side = "netops/_request_nat_side.html"
    missing = {
        **ChangeForm.missing,
        "mode": _("Choose how packets leave."),
    }

    subnet = forms.CharField(
        required=False,
        max_length=64,
        label=_("Subnet of the containers"),
        help_text=_("The subnet of one of the host's Docker bridges."),
        widget=forms.TextInput(
            MONO | NEEDED | {"placeholder": "192.168.225.0/24", "list": "nat-subnets"}
        ),
    )
    mode = forms.CharField(
        required=False, max_length=64, label=_("On the way out"), initial=MASQUERADE
    )
    to_source = forms.CharField(
        required=False,
        max_length=64,
        label=_("Address to leave with"),
        help_text=_("For SNAT: an address that the host itself has."),
        widget=forms.TextInput(MONO | {"placeholder": "198.51.100.12", "list": "nat-addresses"}),
    )
    out_interface = forms.CharField(
        required=False,
        max_length=64,
        label=_("Only by this interface"),
        help_text=_("Left empty: by every one but the subnet's own bridge."),
        widget=forms.TextInput(MONO | {"placeholder": "eth0", "list": "nat-links"}),
    )
    exclude = forms.CharField(
        required=False,
        max_length=4000,
        label=_("Networks that see the containers' own addresses"),
        help_text=_("One network a line, such as 10.0.0.0/8. Packets to them are not translated."),
        widget=forms.Textarea(_AREA | {"rows": 2}),
    )
    publish = forms.CharField(
        required=False,
        max_length=10_000,
        label=_("Published ports"),
        help_text=_(
            "One port a line: protocol, port of the host (with one of its addresses in front, or "
            "on all of them), name and port of the container. An address in place of the name does "
            "not follow the container."
        ),
        widget=forms.Textarea(_AREA | {"rows": 4, "placeholder": "tcp 8080 web:80", "wrap": "off"}),
    )
    docker_chain = forms.BooleanField(
        required=False,
        label=_("Make Docker's chain too"),
        widget=forms.CheckboxInput({"class": "form-check-input"}),
    )

    accept = forms.MultipleChoiceField(
        required=False,
        label=_("Risks that you accept"),
        choices=[(code, ACCEPT_WORDS.get(code, code)) for code in ACCEPTABLE],
        widget=forms.CheckboxSelectMultiple,
    )

    @property
    def modes(self) -> list[dict[str, Any]]:
        """The modes with what each means, and which is chosen."""
        chosen = str(self["mode"].value() or "")
        return [
            {"value": value, "name": name, "words": words, "chosen": value == chosen}
            for value, name, words in MODE_WORDS
        ]

    def spec(self) -> dict[str, Any]:
        """Return the specification as the API would get it."""
        data = self.cleaned_data
        spec: dict[str, Any] = {name: data[name] for name in _TEXTS if data.get(name)}
        spec.setdefault("subnet", "")
        if data.get("exclude"):
            spec["exclude"] = [text for _, text in _lines(data["exclude"])]
        if data.get("docker_chain"):
            spec["docker_chain"] = True
        if data.get("publish"):
            spec["publish"] = [publish_of(text) for _, text in _lines(data["publish"])]
        if data.get("accept"):
            spec["accept"] = data["accept"]
        return spec

    def line_of(self, field: str, index: int) -> int:
        """Return which line of a field holds item `index` of the list made of it."""
        numbers = [number for number, _ in _lines(str(self[field].value() or ""))]
        return numbers[index] if index < len(numbers) else index + 1

    def odd_line(self, field: str, index: int) -> str:
        """A port is three words; with fewer or more it is not told what each of them lacks."""
        lines = [text for _, text in _lines(str(self[field].value() or ""))]
        if field != "publish" or len(_words(lines[index])) == 3:
            return ""
        return gettext("Write it like tcp 8080 web:80.")

    @staticmethod
    def initial_of(spec: dict[str, Any]) -> dict[str, Any]:
        """Return the initial values that show a specification."""
        lines = [publish_line(item) for item in spec.get("publish") or []]
        return {
            **{name: spec.get(name, "") for name in _TEXTS},
            "exclude": "\n".join(str(network) for network in spec.get("exclude") or []),
            "docker_chain": bool(spec.get("docker_chain")),
            "publish": "\n".join(lines),
            "accept": list(spec.get("accept") or []),
        }


def _lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that say something, each with its number (from 1)."""
    found = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(number, line) for number, line in found if line]


def _words(line: str) -> list[str]:
    return line.replace("→", " ").replace("->", " ").split()


def publish_of(line: str) -> dict[str, Any]:
    """Return a line such as "udp 198.51.100.12:53 dns:53" as the API would get it.

    What is no such line gives an item that the specification's reader refuses in its own words.
    """
    protocol, _, rest = " ".join(_words(line)).partition(" ")
    outside, _, to = rest.partition(" ")
    host_ip, _, port = outside.rpartition(":")
    number = port.isascii() and port.isdecimal() and len(port) < 10
    item: dict[str, Any] = {"protocol": protocol.lower(), "to": to}
    if outside:
        item["host_port"] = int(port) if number else port
    if host_ip:
        item["host_ip"] = host_ip
    return item


def publish_line(item: dict[str, Any]) -> str:
    """Return an item of a specification as a line of the form."""
    where = f"{item['host_ip']}:" if item.get("host_ip") else ""
    return f"{item.get('protocol', '')} {where}{item.get('host_port', '')} {item.get('to', '')}"


def query_of(host: str, spec: dict[str, Any]) -> str:
    """Return the query string that opens the form filled with a specification."""
    initial = NatForm.initial_of(spec)
    values = {name: value for name, value in initial.items() if value}
    if "docker_chain" in values:
        values["docker_chain"] = "1"
    if "accept" in values:
        values["accept"] = ",".join(values["accept"])
    return urlencode({"kind": KIND, "host": host, **values})


def initial_from(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the initial values that a query string names; the inverse of `query_of`."""
    names = (*_TEXTS, "exclude", "publish")
    initial: dict[str, Any] = {name: query[name] for name in names if query.get(name)}
    if query.get("docker_chain") in ("1", "true", "on"):
        initial["docker_chain"] = True
    if query.get("accept"):
        initial["accept"] = query["accept"].split(",")
    return initial
