"""A plan: what people approve. Pure data; `planner_*.py` make it, `apply.py` carries it out."""

from __future__ import annotations

import hashlib
import json
from ipaddress import IPv4Address

from attrs import field, frozen

from netops.engine.serial import Json, to_json

BLOCKER, WARNING, INFO = "blocker", "warning", "info"


@frozen
class Finding:
    """Something an approver must know. `subject` is what it is about, "" for the whole host."""

    code: str
    severity: str
    message: str
    subject: str = ""


@frozen
class StepSpec:
    """One step: `kind` names its class in `steps/`, `params` is all that the class needs.

    `command` is what a person would have typed for it.
    """

    kind: str
    title: str
    command: str
    params: dict[str, Json] = field(factory=dict)


@frozen
class ContainerMove:
    """The address of a container before and, as far as it can be foretold, after the change."""

    name: str
    from_: IPv4Address | None
    to: IPv4Address | None


@frozen
class Plan:
    """Steps for one host, with what they were made from.

    `basis` is the part of the observation that matters for this change; together with `spec` and
    `steps` it is what `digest` covers, so that an approval holds for this very host state alone.
    """

    kind: str
    spec: dict[str, Json]
    basis: dict[str, Json]
    steps: tuple[StepSpec, ...]
    findings: tuple[Finding, ...]
    containers: tuple[ContainerMove, ...]
    expected_outage_s: float
    digest: str = ""

    @property
    def blocked(self) -> bool:
        """True when a blocker stands, so that nobody can approve it."""
        return any(f.severity == BLOCKER for f in self.findings)


def digest_of(spec: object, basis: object, steps: object) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what an approval binds."""
    body = {"spec": to_json(spec), "basis": to_json(basis), "steps": to_json(steps)}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
