"""The judge of a round: what it lets pass and what it does not, without any host."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

import pytest

from tests.faults.hosts.rounds.judge import MIXED, Verdict, judge, ports_asked
from tests.faults.hosts.rounds.model import CANCEL, CONFIRM, ENDINGS, Container, Expected
from tests.faults.hosts.whole import NEW, OLD, Seen
from tests.faults.rounds_seen import NEW_DOCKER0, OLD_DOCKER0, file_of, model_new, seen_of

BACK, STAYS = ("rolled_back", "The host is as it was."), ("succeeded", "alice confirmed it.")


def judged(
    expected: Expected,
    ending: str,
    docker0: IPv4Interface,
    said: tuple[str, str],
    spoil: Callable[[Seen], Any] = lambda seen: None,
) -> Verdict:
    """The verdict on a host as the model has it, that `spoil` has changed; all ports answer."""
    before, seen = seen_of(model_new(), OLD_DOCKER0), seen_of(expected, docker0)
    spoil(seen)
    host = OLD if docker0 == OLD_DOCKER0 else NEW
    answers = ports_asked(expected, ending, host)
    return judge(expected, ending, seen, before, said, answers)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_host_that_is_as_it_must_be_has_no_faults(ending: str) -> None:
    if ending == CONFIRM:
        assert judged(model_new(), ending, NEW_DOCKER0, STAYS) == Verdict(NEW, ())
    else:
        assert judged(model_new(), ending, OLD_DOCKER0, BACK) == Verdict(OLD, ())


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda s: s.update(record=""), "Docker does not run"),
        (lambda s: s["docker0"].append("10.1.1.1/24"), "the host is mixed"),
        (lambda s: s.update(record="10.96.1.0/24"), "the host is mixed"),
        (lambda s: s["files"].update({"daemon.json": file_of({"bip": "x"})}), "host is mixed"),
        (lambda s: s["files"].update({"daemon.json": file_of({})}), "daemon.json has {}"),
        (lambda s: s["files"]["daemon.json"].__setitem__(0, "0o600"), "0o600"),
        (lambda s: s["containers"]["web"].update(running=False), "web is down, right is runs"),
        (lambda s: s["containers"]["frozen"].update(paused=False), "frozen is runs"),
        (lambda s: s["containers"]["kept"].update(running=True), "kept is runs, right is down"),
        (lambda s: s["containers"].pop("batch"), "batch is gone"),
        (lambda s: s["containers"].update(x=s["containers"]["kept"]), "x is nobody's"),
        (lambda s: s["containers"]["web"].update(inside=[]), "web has [] inside"),
        (lambda s: s["networks"].update({"dockernet-hold": "172.30.0.0/16"}), "of ours is left"),
        (lambda s: s["networks"].update(team1="172.30.0.0/16"), "team1 is there"),
    ],
)
def test_a_host_that_is_not_has_a_fault(spoil: Callable[[Seen], Any], fault: str) -> None:
    found = judged(model_new(), CANCEL, OLD_DOCKER0, BACK, spoil).faults
    assert any(fault in one for one in found), found


def test_what_is_said_must_be_what_is() -> None:
    for said, docker0 in (
        (STAYS, OLD_DOCKER0),
        (BACK, NEW_DOCKER0),
        (("failed", ""), OLD_DOCKER0),
        (("unknown", ""), NEW_DOCKER0),
    ):
        (fault, *_) = judged(model_new(), CANCEL, docker0, said).faults
        assert fault.startswith(f"said {said[0]}, and the host is"), fault


def test_a_confirmed_change_that_went_back_is_a_fault() -> None:
    assert judged(model_new(), CONFIRM, OLD_DOCKER0, BACK).faults == (
        "confirmed, and said rolled_back: The host is as it was.",
    )


def test_an_unconfirmed_change_stays_only_for_a_network_that_it_names() -> None:
    expected = model_new()
    (fault,) = judged(expected, CANCEL, NEW_DOCKER0, STAYS).faults
    assert "nothing keeps the host from the old subnet" in fault
    expected.networks = {"team1": IPv4Network("172.17.0.0/16")}
    (fault,) = judged(expected, CANCEL, NEW_DOCKER0, STAYS).faults
    assert "does not name" in fault
    named = ("succeeded", "The network team1 has 172.17.0.0/16 now: docker0 stays.")
    assert judged(expected, CANCEL, NEW_DOCKER0, named) == Verdict(NEW, ())


def test_the_networks_and_files_of_others_must_be_there() -> None:
    expected = model_new(networks={"team1": IPv4Network("172.18.0.0/16")}, files={"/etc/x": "1"})
    assert judged(expected, CANCEL, OLD_DOCKER0, BACK).faults == ()
    lost = judged(expected, CANCEL, OLD_DOCKER0, BACK, lambda s: s["networks"].clear()).faults
    assert lost == ("network team1 was 172.18.0.0/16, and is None",)
    lost = judged(expected, CANCEL, OLD_DOCKER0, BACK, lambda s: s["others"].clear()).faults
    assert lost == ("/etc/x is None, and somebody wrote '1'",)


def test_edited_bytes_are_free_and_edited_keys_are_not() -> None:
    expected = model_new(config={"debug": True}, config_edited=True)
    assert judged(expected, CANCEL, OLD_DOCKER0, BACK).faults == ()

    def restored(seen: Seen) -> None:
        seen["files"]["daemon.json"] = file_of({"debug": False})

    (fault,) = judged(expected, CANCEL, OLD_DOCKER0, BACK, restored).faults
    assert fault.startswith("daemon.json has {'debug': False} beside bip")


def test_a_removed_container_must_not_come_back() -> None:
    expected = model_new()
    there = seen_of(expected, OLD_DOCKER0)["containers"]["batch"]
    del expected.containers["batch"]
    expected.gone.add("batch")
    assert judged(expected, CANCEL, OLD_DOCKER0, BACK).faults == ()

    def revived(seen: Seen) -> None:
        seen["containers"]["batch"] = there

    found = judged(expected, CANCEL, OLD_DOCKER0, BACK, revived).faults
    assert found == ("container batch was removed and is there again",)


def test_a_published_port_must_answer_with_the_right_name() -> None:
    expected, before = model_new(), seen_of(model_new(), OLD_DOCKER0)
    verdict = judge(expected, CANCEL, before, before, BACK, {8080: "admin"})
    assert verdict.faults == ("port 8080 of web answers 'admin'",)


def test_flushed_rules_excuse_a_port_until_docker_makes_them_anew() -> None:
    expected = model_new(flushed=True)
    assert ports_asked(expected, CONFIRM, NEW) == {}
    assert ports_asked(expected, CANCEL, OLD) == {8080: "web"}
    assert ports_asked(expected, CANCEL, MIXED) == {}
    expected.docker_restarted()
    assert ports_asked(expected, CONFIRM, NEW) == {8080: "web"}


def test_a_container_on_a_network_of_others_has_an_address_of_it() -> None:
    expected = model_new(networks={"team1": IPv4Network("172.18.0.0/16")})
    expected.containers["new1"] = Container("new1", "always", network="team1")
    assert judged(expected, CANCEL, OLD_DOCKER0, BACK).faults == ()

    def without(seen: Seen) -> None:
        seen["containers"]["new1"].update(inside=[], networks={"team1": ""})

    (fault,) = judged(expected, CANCEL, OLD_DOCKER0, BACK, without).faults
    assert fault.startswith("container new1 has")


def test_a_third_subnet_is_excused_only_where_others_left_docker_no_choice() -> None:
    failed = ("failed", "A person is needed.")

    def third(seen: Seen) -> None:
        seen.update(docker0=["172.19.0.1/16"], record="172.19.0.0/16")
        seen["containers"] = {}

    holders = {"team1": IPv4Network("172.17.0.0/16")}
    for removed, networks, held in (
        (True, holders, True),
        (True, {}, False),
        (False, holders, False),
    ):
        expected = model_new(containers={}, bip_removed=removed, networks=networks)
        faults = judged(expected, CANCEL, OLD_DOCKER0, failed, third).faults
        assert (faults == ()) is held, (removed, networks, faults)
