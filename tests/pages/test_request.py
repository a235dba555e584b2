"""The form that asks for a change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import Host
from netops.engine.desired import parse_spec
from netops.engine.errors import SpecInvalid
from netops.models import Change
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed
from tests.pages.reading import fields, targets, text, text_of

Browse = Callable[[str], Client]
NEW = "/changes/new/"
GOOD = {
    "kind": "subnet",
    "host": "web-1",
    "subnet": "192.168.225.0/24",
    "gateway": "",
    "reason": "The VPN uses 172.17.0.0/16.",
}


def test_it_makes_a_change_of_a_good_request(browse: Browse, web: Host) -> None:
    answer = browse("alice").post(NEW, GOOD | {"accept": ["removes-container"]})
    change = Change.objects.get()
    assert answer["Location"] == f"/changes/{change.pk}/"
    assert (change.state, change.host, change.reason) == ("planning", web, GOOD["reason"])
    wanted = {"network": "bridge", "subnet": GOOD["subnet"], "accept": ["removes-container"]}
    assert change.spec == wanted
    page = text(browse("alice").get(answer["Location"]))
    assert "web-1 is making the plan" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subnet", ""),
        ("subnet", "192.168.225.1/24"),
        ("subnet", "192.168.225.0/33"),
        ("subnet", "nonsense"),
        ("subnet", "fd00::/64"),
        ("subnet", "127.0.0.0/8"),
        ("subnet", "224.0.0.0/24"),
        ("gateway", "10.0.0.1"),
        ("gateway", "192.168.225.0"),
        ("gateway", "<b>x</b>"),
    ],
)
def test_it_says_beside_the_field_what_the_api_says(
    browse: Browse, web: Host, field: str, value: str
) -> None:
    sent = GOOD | {field: value}
    answer = browse("alice").post(NEW, sent)
    assert answer.status_code == 422
    spec = {"network": "bridge", "subnet": sent["subnet"]}
    if sent["gateway"]:
        spec["gateway"] = sent["gateway"]
    with pytest.raises(SpecInvalid) as refused:
        parse_spec("subnet", spec)
    for name, _, message in refused.value.problems:
        told = message if value else "Which subnet?"
        assert told in text_of(answer, f"id_{name}_error")
    kept = fields(answer)
    assert {name: kept[name] for name in ("host", "subnet", "gateway")} == {
        name: sent[name] for name in ("host", "subnet", "gateway")
    }
    assert text_of(answer, "id_reason") == GOOD["reason"]
    assert "<b>x</b>" not in answer.content.decode()
    assert not Change.objects.exists()


def test_it_tells_every_fault_at_once(browse: Browse, web: Host) -> None:
    sent = {"kind": "subnet", "host": "nobody", "subnet": "x", "gateway": "y", "reason": ""}
    answer = browse("alice").post(NEW, sent)
    assert text_of(answer, "id_host_error") == "There is no host “nobody”."
    for name in ("subnet", "gateway"):
        assert text_of(answer, f"id_{name}_error")
    known = browse("alice").post(NEW, sent | {"host": "web-1"})
    assert text_of(known, "id_reason_error") == "Say why; the approver reads it."
    assert not Change.objects.exists()


def test_it_keeps_ticked_risks_after_a_fault(browse: Browse, web: Host) -> None:
    answer = browse("alice").post(NEW, GOOD | {"subnet": "x", "accept": ["swarm-node"]})
    assert fields(answer)["accept"] == "swarm-node"


def test_it_refuses_an_unknown_risk(browse: Browse, web: Host) -> None:
    answer = browse("alice").post(NEW, GOOD | {"accept": ["anything"]})
    assert answer.status_code == 422
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    ("online", "busy", "sentence"),
    [(False, False, "web-1 is offline."), (True, True, "one change at a time")],
)
def test_it_says_why_a_host_takes_no_change(
    browse: Browse, people: dict[str, User], online: bool, busy: bool, sentence: str
) -> None:
    web = world.host("web-1", online=online)
    if busy:
        world.Story(web, people["dan"]).planned()
    before = Change.objects.count()
    answer = browse("alice").post(NEW, GOOD)
    assert answer.status_code == 422
    assert sentence in text_of(answer, "id_host_error")
    assert Change.objects.count() == before


def test_it_starts_from_the_host_or_from_an_earlier_change(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    client = browse("alice")
    assert fields(client.get(f"{NEW}?host=web-1"))["host"] == "web-1"
    spec = {"network": "bridge", "subnet": "10.9.0.0/24", "accept": ["swarm-node"]}
    former = world.Story(web, people["alice"], spec=spec, reason="As before").planned().change
    page = client.get(f"{NEW}?from={former.pk}")
    found = fields(page)
    wanted = {"host": "web-1", "subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}
    assert wanted.items() <= found.items()
    assert found["accept"] == "swarm-node"
    assert text_of(page, "id_reason") == "As before"
    assert client.get(f"{NEW}?from=99").status_code == 404


def test_it_proposes_a_range_that_nobody_uses(browse: Browse, people: dict[str, User]) -> None:
    world.reserved("192.168.0.0/18", "Offices")
    world.host("web-2", observed=observed(subnet="192.168.64.0/18"))
    web = world.host("web-1")
    spec = {"network": "bridge", "subnet": "192.168.128.0/26"}
    world.Story(web, people["alice"], spec=spec).planned()
    part = browse("alice").get(f"{NEW}size/?host=web-1&containers=40")
    assert part.content.decode().lstrip().startswith('<div id="size-part"')
    assert "A /26 has room for 61." in text(part)
    assert text_of(part, "proposed") == "192.168.128.64/26"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Tells the prefix"),
        ("0", "At least one container."),
        ("-5", "in digits"),
        ("many", "in digits"),
        ("99999999", "No private range holds"),
        ("1" * 400, "in digits"),
        ("٣", "in digits"),
    ],
)
def test_it_answers_odd_sizes_with_a_sentence(
    browse: Browse, web: Host, typed: str, sentence: str
) -> None:
    part = browse("alice").get(f"{NEW}size/", {"host": "web-1", "containers": typed})
    assert part.status_code == 200
    assert sentence in text(part)


def test_it_proposes_without_scripts_and_keeps_what_was_typed(browse: Browse, web: Host) -> None:
    sent = GOOD | {"subnet": "", "containers": "300", "propose": "1", "accept": ["swarm-node"]}
    page = browse("alice").post(NEW, sent)
    assert page.status_code == 200
    found = fields(page)
    assert found["subnet"].endswith("/23")
    assert (found["host"], found["containers"]) == ("web-1", "300")
    assert found["accept"] == "swarm-node"
    assert text_of(page, "id_reason") == GOOD["reason"]
    assert not Change.objects.exists()


def test_it_leads_from_the_host_to_the_form(browse: Browse, web: Host) -> None:
    assert f"{NEW}?host=web-1" in targets(browse("alice").get("/hosts/web-1/"))
    assert f"{NEW}?host=web-1" not in targets(browse("carol").get("/hosts/web-1/"))


def test_it_says_that_there_is_no_host_yet(browse: Browse, people: dict[str, User]) -> None:
    assert text_of(browse("alice").get(NEW), "no-hosts").endswith("An admin adds hosts.")
    assert text_of(browse("admin").get(NEW), "no-hosts").endswith("Add a host")
    world.host("web-1")
    assert 'id="no-hosts"' not in browse("alice").get(NEW).content.decode()


def test_a_request_that_is_made_from_another_says_so_on_both(
    browse: Browse, people: dict[str, User], web: Host
) -> None:
    world.host("web-2", observed=observed(name="web-2"))
    former = world.story_rolled_back(web, people["alice"], people["bob"])
    client = browse("alice")
    form = client.get(f"{NEW}?from={former.pk}&host=")
    assert fields(form)["from"] == str(former.pk)
    wrong = client.post(NEW, GOOD | {"host": "web-2", "from": str(former.pk), "subnet": "x"})
    assert fields(wrong)["from"] == str(former.pk)
    client.post(NEW, GOOD | {"host": "web-2", "from": str(former.pk)})
    again = Change.objects.latest("pk")
    assert again.made_from == former
    assert text_of(client.get(f"/changes/{again.pk}/"), "made-from") == f"#{former.pk}"
    assert text_of(client.get(f"/changes/{former.pk}/"), "made-again") == f"#{again.pk}"


@pytest.mark.parametrize("number", ["", "x", "-1", "٣", "4711"])
def test_an_odd_origin_of_a_request_is_none(
    browse: Browse, people: dict[str, User], web: Host, number: str
) -> None:
    browse("alice").post(NEW, GOOD | {"from": number})
    assert [c.made_from for c in Change.objects.all()] == [None] * (number != "4711")
