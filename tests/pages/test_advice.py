"""Every finding that a plan can have says what to do, once: in its message or as advice."""

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
# The message itself says what to do: twice would be once too often.
SAID_BY_MESSAGE = (
    "no-change overlaps-docker-network overlaps-host-address overlaps-route overlaps-dns "
    "overlaps-controller overlaps-reserved too-small fixed-cidr-outside gateway-outside "
    "bridge-not-managed config-unreadable config-flag-conflict host-ip-bound swarm-node "
    "config-not-in-force removes-container docker-not-running docker-not-a-service "
    "observation-incomplete "
    "drops-routes ignores-stop-signal firewall-unavailable exposes-port-publicly "
    "published-ports-are-lost source-not-usable publish-address-not-fixed"
)
ASKS_FOR_NOTHING = (
    "container-restarting starts-unmanaged-containers default-address-pools live-restore "
    "stops-units nat-setting-follows docker-already-does-this firewalld-active ufw-active"
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


def test_every_code_says_what_to_do_once() -> None:
    assert len(documented()) > 40
    assert set(CONTRACT.split()) <= documented()
    assert in_the_engine() <= documented()
    without = {*SAID_BY_MESSAGE.split(), *ASKS_FOR_NOTHING.split()}
    assert not without & set(ADVICE)
    assert documented() == without | set(ADVICE)


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_it_is_a_sentence(code: str) -> None:
    with override("en"):
        told = str(advice_on(code))
    assert told[0].isupper()
    assert told.endswith(".")


def test_it_has_none_for_a_code_that_it_does_not_know() -> None:
    assert advice_on("from-a-newer-agent") == ""


def test_no_message_names_a_code_or_a_field_of_the_api() -> None:
    for path in (ROOT / "netops/engine/findings").glob("*.py"):
        assert not re.search(r"accept “|\bhost_ip to\b", path.read_text()), path.name
