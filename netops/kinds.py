"""How the pages tell each kind of change in words. A new kind adds one entry to KIND_WORDS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from netops import kinds_nat
from netops.difference import Difference
from netops.engine.plan import Plan
from netops.models import Change


@frozen
class KindWords:
    """`title` names the kind, `target` tells a specification in a few words, `sentence` in a
    sentence about a host, `differences` what a plan brings, before and after."""

    title: str | Promise
    target: Callable[[dict[str, Any]], str]
    sentence: Callable[[dict[str, Any], str], str]
    differences: Callable[[Plan], list[Difference]]


def _subnet_target(spec: dict[str, Any]) -> str:
    return f"docker0 → {spec.get('subnet', '?')}"


def _subnet_sentence(spec: dict[str, Any], host: str) -> str:
    said = {"host": host, "subnet": spec.get("subnet", "?")}
    return _("Move docker0 on %(host)s to %(subnet)s") % said


def _subnet_differences(plan: Plan) -> list[Difference]:
    network = _section(plan, "networks").get("bridge")
    network = network if isinstance(network, dict) else {}
    bridge = str(network.get("bridge") or "docker0")
    subnets = network.get("subnets")
    prefix = str(plan.spec.get("subnet", "")).partition("/")[2]
    return [
        Difference(_("Subnet"), _listed(subnets), str(plan.spec.get("subnet", ""))),
        Difference(
            _("Address of %(link)s") % {"link": bridge},
            _listed(_section(plan, "addresses").get(bridge)),
            f"{plan.spec['gateway']}/{prefix}" if plan.spec.get("gateway") else "",
        ),
    ]


def _section(plan: Plan, name: str) -> dict[str, Any]:
    section = plan.basis.get(name)
    return section if isinstance(section, dict) else {}


def _listed(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value or "")


KIND_WORDS: dict[str, KindWords] = {
    "subnet": KindWords(
        gettext_lazy("Subnet of docker0"), _subnet_target, _subnet_sentence, _subnet_differences
    ),
    "nat": KindWords(
        gettext_lazy("NAT of a subnet"), kinds_nat.target, kinds_nat.sentence, kinds_nat.differences
    ),
}


def target_of(change: Change) -> str:
    """Return what a change asks for, in a few words."""
    words = KIND_WORDS.get(change.kind)
    return words.target(change.spec) if words else change.kind


def sentence_of(change: Change) -> str:
    """Return what a change asks for as a heading."""
    words = KIND_WORDS.get(change.kind)
    return (
        words.sentence(change.spec, change.host.name)
        if words
        else _("Change %(number)s") % {"number": change.pk}
    )


def differences_of(plan: Plan) -> list[Difference]:
    """Return what a plan brings, before and after."""
    words = KIND_WORDS.get(plan.kind)
    return words.differences(plan) if words else []
