"""There is advice for every finding that a plan can have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils.translation import override

from netops.advice import ADVICE, advice_on

ROOT = Path(__file__).resolve().parent.parent.parent
CONTRACT = (
    "no-change overlaps-docker-network overlaps-host-address overlaps-route overlaps-dns "
    "overlaps-controller overlaps-reserved too-small fixed-cidr-outside gateway-outside "
    "bridge-not-managed config-unreadable config-flag-conflict host-ip-bound swarm-node "
    "removes-container public-range controller-through-bridge extra-addresses "
    "rules-name-old-subnet restarts-containers starts-unmanaged-containers live-restore"
)
# Settings of dockerd and of the kernel, written the way that codes are.
NO_CODES = {"default-gateway", "fixed-cidr", "ip-forward"}


def documented() -> set[str]:
    """The codes in the tables of docs/reference/findings.md that are of plans."""
    text = (ROOT / "docs/reference/findings.md").read_text().partition("## What the audit")[0]
    codes = re.findall(r"^\| `([a-z][a-z0-9-]+)` \| (?:blocker|warning|info)", text, re.MULTILINE)
    return set(codes)


def in_the_engine() -> set[str]:
    """Every word of the engine's findings that looks like a code."""
    sources = [
        *(ROOT / "netops/engine/findings").glob("*.py"),
        ROOT / "netops/engine/nat_follow.py",
    ]
    text = "".join(path.read_text() for path in sources)
    return set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text)) - NO_CODES


def test_it_has_advice_for_every_code() -> None:
    assert len(documented()) > 40
    assert set(CONTRACT.split()) <= documented()
    assert in_the_engine() <= documented()
    assert documented() == set(ADVICE)


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_it_is_a_sentence(code: str) -> None:
    with override("en"):
        told = str(advice_on(code))
    assert told[0].isupper()
    assert told.endswith(".")


def test_it_has_none_for_a_code_that_it_does_not_know() -> None:
    assert advice_on("from-a-newer-agent") == ""
