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


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        (
            "docker0 is up. docker0 is down.",
            "docker0 링크가 올라와 있습니다. docker0 링크가 내려가 있습니다.",
        ),
        ("out of memory. docker0 is up.", "out of memory. docker0 링크가 올라와 있습니다."),
        (
            "docker0 is up.\ndocker0 is down.",
            "docker0 링크가 올라와 있습니다.\ndocker0 링크가 내려가 있습니다.",
        ),
        (
            "Step 2, “Set docker0 up”, failed: cache has no address in the network bridge. "
            "The host is as it was.",
            "2단계 “docker0 링크 올리기” 실패: cache에는 네트워크 bridge의 주소가 없습니다. "
            "호스트는 이전 그대로입니다.",
        ),
        ("Undone: Set docker0 up.", "되돌림: docker0 링크 올리기."),
        (
            "Set docker0 up: docker0 is down.",
            "docker0 링크 올리기: docker0 링크가 내려가 있습니다.",
        ),
        ("cache, orders-db and web", "cache, orders-db, web"),
        ("cache, web and 3 more", "cache, web 외 3개"),
        ("bread and butter, please", "bread and butter, please"),
    ],
)
def test_it_says_several_sentences_and_lists_of_names(text: str, korean: str) -> None:
    with translation.override("ko"):
        assert said(text) == korean


@pytest.mark.parametrize(
    "text",
    [
        "admin put dana into network team.",
        "admin set policy of payments.",
        "admin: the group network team may now approve, under policy of payments.",
        "admin froze lab every week, Friday 16:00 to Monday 08:00 (Asia/Seoul): Weekend.",
        "Container cache: none → 172.17.0.5.",
        "The worker was lost in mid-job; the host's journal will say what became of it.",
        "alice revoked their own API token.",
        "Logged in by password and a second factor.",
    ],
)
def test_it_knows_what_earlier_versions_wrote(text: str) -> None:
    with translation.override("ko"):
        told = said(text)
    assert not set(told.split()) & {"put", "set", "may", "froze", "none", "worker", "password"}
    assert told != text


@pytest.mark.parametrize("reason", ["no", "yes", "year end and holidays", "Every step is done."])
def test_it_leaves_a_persons_words_as_they_were_written(reason: str) -> None:
    with translation.override("ko"):
        told = said(f"ann removed a freeze of all environments: {reason}.")
    assert told == f"ann 님이 변경 동결을 제거했습니다. 대상: 모든 환경, 사유: {reason}."


@pytest.mark.parametrize("who", ["A person", "The site"])
def test_it_says_who_has_to_confirm(who: str) -> None:
    sentence = f"Every step is done and proved. {who} has 60 s to confirm, or the host goes back."
    with translation.override("ko"):
        told = said(sentence)
    assert "60초" in told
    assert who not in told
