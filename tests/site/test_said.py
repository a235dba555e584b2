"""Sentences of hosts and services in Korean: the values stay, and what is not ours stays whole."""

from __future__ import annotations

import pytest
from django.utils import translation

from language.said import Sentence, said
from language.sentences import is_sentence, said_sentences


def test_it_says_a_sentence_with_its_values_and_leaves_what_is_not_ours() -> None:
    ours, theirs = "Add 192.168.225.1/24 to docker0", "cache: out of memory"
    with translation.override("ko"):
        assert said(ours) == "docker0에 192.168.225.1/24 추가하기"
        assert said(theirs) == theirs
    assert said(ours) == ours


@pytest.mark.parametrize(
    ("parts", "text", "values"),
    [
        (("", " has ", "."), "docker0 has 10.1.0.1/24.", {"0": "docker0", "1": "10.1.0.1/24"}),
        (("", " has ", "."), "docker0 has 10.1.0.1/24", None),
        (("Stop Docker",), "Stop Docker", {}),
        (("Stop Docker",), "Stop Docker now", None),
        (("Say ", " or ", ""), "Say or", None),
        (("", "", " rules"), "nat rules", {"0": "", "1": "nat"}),
    ],
)
def test_it_finds_the_values(
    parts: tuple[str, ...], text: str, values: dict[str, str] | None
) -> None:
    places = tuple(str(number) for number in range(len(parts) - 1))
    assert Sentence(parts, places, "").values_in(text) == values


def test_the_source_has_the_sentences_that_people_read() -> None:
    found = {text for text, _, _ in said_sentences()}
    assert {"Stop Docker", "Add {0} to {1}", "{0} approved the plan."} <= found
    assert not is_sentence("systemctl stop docker.service")
    assert not is_sentence("ip addr del {0} dev {1} && ip addr show dev {2}")
    assert not is_sentence("{0} to {1}")
