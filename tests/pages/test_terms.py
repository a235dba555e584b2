"""The words that explain themselves, and the page that has them all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client

from teach.glossary import TERMS

ROOT = Path(__file__).resolve().parents[2]
Browse = Callable[[str], Client]
EXPECTED = [
    "bridge",
    "docker0",
    "veth",
    "link",
    "subnet",
    "gateway",
    "prefix-length",
    "nat",
    "masquerade",
    "snat",
    "dnat",
    "conntrack",
    "live-restore",
    "daemon-json",
    "restart-policy",
    "layers",
    "observation",
    "digest",
    "confirm-window",
    "outage",
    "reserved-range",
    "freeze",
    "break-glass",
    "grant",
    "quorum",
    "forward",
    "uplink",
    "agent",
    "enrolment",
    "conflict",
    "plan",
    "stale",
    "rollback",
]


def render(text: str) -> str:
    return Template("{% load terms %}" + text).render(Context())


def test_it_explains_every_term_in_one_to_three_sentences() -> None:
    assert set(TERMS) == set(EXPECTED)
    for term in TERMS.values():
        assert 1 <= len(re.findall(r"[.](?:\s|$)", str(term.text))) <= 3, term.key


def test_it_is_a_button_that_opens_its_own_text() -> None:
    html = render('{% term "veth" %}')
    button = re.search(r'<button type="button"[^>]* popovertarget="([^"]+)">veth</button>', html)
    assert button
    assert f'id="{button[1]}" popover' in html
    assert "A virtual cable with two ends." in html
    assert "style=" not in html
    assert " on" not in re.sub(r">[^<]*<", "><", html)


def test_it_takes_another_word_and_a_place() -> None:
    html = render('{% term "masquerade" "NAT rules" at="two" %}')
    assert ">NAT rules</button>" in html
    assert 'id="term-masquerade-two"' in html
    assert 'id="term-masquerade"' not in html


def test_it_escapes_a_word() -> None:
    assert "<b>" not in Template("{% load terms %}{% term 'veth' word %}").render(
        Context({"word": "<b>"})
    )


def test_it_tells_a_slip_at_once() -> None:
    with pytest.raises(LookupError, match="teach/glossary"):
        render('{% term "vet" %}')


def test_it_lists_all(browse: Browse) -> None:
    html = browse("carol").get("/help/terms/").content.decode()
    assert html.startswith("<!doctype html>")
    for key in EXPECTED:
        assert html.count(f'id="{key}"') == 1, key
    assert html.count("docs/explanation/nat.md") == 1


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_list_is_in_alphabetical_order(browse: Browse, language: str) -> None:
    client = browse("carol")
    client.cookies["django_language"] = language
    for part in client.get("/help/terms/").content.decode().split('<dl class="terms">')[1:]:
        words = [word.casefold() for word in re.findall(r"<dt>([^<]+)</dt>", part)]
        assert len(words) > 10
        assert words == sorted(words)


def test_it_is_used_with_terms_that_exist_and_never_twice_in_a_template() -> None:
    used = 0
    for path in (ROOT / "templates").rglob("*.html"):
        tags = re.findall(r'{% term "([^"]+)"[^%]*?(?:at="([^"]+)")? %}', path.read_text())
        assert {key for key, _ in tags} <= set(TERMS), path
        assert len(tags) == len(set(tags)), path
        used += len(tags)
    assert used
