"""The sentences of the way back in Korean: each is built from parts, and several stand together."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface

import pytest
from django.utils import translation

from language.said import said
from netops.engine.before import Before
from netops.engine.left import Left
from netops.engine.restart import NotRunning
from netops.engine.restore import lost_text

BEFORE = Before(
    interface=IPv4Interface("172.17.0.1/16"),
    addresses=(),
    bridge_up=True,
    daemon_pid=None,
    target=None,
    probe=IPv4Address("198.51.100.1"),
    containers=(),
)
LOST_TO_ONE = lost_text(BEFORE, ["shop_net"])
LOST_TO_TWO = lost_text(BEFORE, ["shop_net", "blog_net"])
NOBODY = "Nobody confirmed within 60 s."
BOOTED = "The job was cut short: the agent was interrupted. The host was booted again."
STAYED = "The host stays on the new state, which is whole and proved."
LATER = "To go back later, first run: docker network rm shop_net"
DOWN = NotRunning("web", "web could not be started: It is exited again.", "docker start web")
UNIT = Left("The unit shop.service does not run.", "systemctl start shop.service")
# Names, commands and keys, which stay as they are in every language.
NOT_WORDS = re.compile(
    r"`[^`]+`|docker network rm \S+|docker0|dockerd|Docker\b|shop_net|blog_net|shop\.service"
    r"|/etc/docker/daemon\.json|\bexited\b"
)


@pytest.mark.parametrize(
    "text",
    [
        f"{NOBODY} There was no way back: {LOST_TO_ONE} {STAYED} {LATER}",
        f"{BOOTED} There was no way back: {LOST_TO_TWO} {STAYED} {LATER}",
        f"There is no way back: {LOST_TO_ONE} The host goes on to the new state.",
        f"{BOOTED} There was no way back ({LOST_TO_ONE}), and the new state could not be proved. "
        f"Left to do by hand: Set docker0 up: docker0 is down. {UNIT}",
        f"{NOBODY} The host could not be brought back whole. Left to do by hand: {UNIT} {DOWN}",
        f"{NOBODY} The host is as it was. What others changed in /etc/docker/daemon.json meanwhile "
        "stays. Removed by others meanwhile: web, db. Stopped by others meanwhile: app.",
        f"{BOOTED} The host is as it was, but for what ran with --rm and is gone: job.",
        f"{BOOTED} The host goes back.",
        "docker0 has 172.17.0.1/16 as before; all that ran runs again.",
        "docker0 has 172.17.0.1/16 as before; all that ran runs again but web, db.",
        f"{DOWN} {DOWN}",
        "/etc/docker/daemon.json was edited by others meanwhile: bip alone was put back.",
        "/etc/docker/daemon.json is as it was, byte by byte.",
        "172.17.0.0/16 could not be held: Docker's network shop_net has taken it. Without it there "
        "may be no way back to it.",
        f"{Left('The container web is exited.', 'docker start web')} "
        f"{Left('docker0 has 10.1.0.1/24.', 'ip address del 10.1.0.1/24 dev docker0')}",
    ],
)
def test_each_sentence_of_the_way_back_is_found_again(text: str) -> None:
    with translation.override("ko"):
        told = said(text)
    # What is left of English would have words of four letters or more.
    assert not re.search(r"[A-Za-z]{4,}", NOT_WORDS.sub("", told)), told
    for value in ("shop_net", "blog_net", "shop.service", "web", "172.17.0.1/16"):
        assert (value in told) == (value in text)


def test_what_dockerd_says_stays_as_it_came() -> None:
    reason = "failed to start daemon: Pool overlaps with other one on this address space"
    text = f"There is no way back: Docker does not start with 172.17.0.1/16 any more: {reason}"
    with translation.override("ko"):
        told = said(f"{text}. dockerd says: {reason}. The host goes on to the new state.")
    assert told.count(reason) == 2
    assert "no way back" not in told
    assert "goes on" not in told


@pytest.mark.parametrize("names", ["cache and web", "cache, db and web"])
def test_a_finding_of_several_containers_names_each_in_korean(names: str) -> None:
    text = (
        f"{names} have no restart policy: Docker would leave them stopped, so Dockernet starts "
        "them again itself."
    )
    with translation.override("ko"):
        told = said(text)
    assert told.startswith(names.replace(" and", ","))
