"""NUL in addresses and bodies: nothing is found by it, and no database is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from hosts.models import ReservedRange
from netops.models import Change
from people.models import User
from tests.site.api_client import Api
from tests.site.rows import SPEC, change_row, host_row

pytestmark = pytest.mark.django_db

Caller = Callable[[str], Api]


@pytest.mark.parametrize(
    "path",
    [
        *("/hosts?search=a%00", "/hosts?environment=%00"),
        *("/changes?host=%00", "/changes?requested_by=alice%00"),
    ],
)
def test_it_finds_nothing_by_nul(api: Caller, people: dict[str, User], path: str) -> None:
    change_row(host_row("web-1"), people["alice"])
    answer = api("carol").get(path)
    assert (answer.status, answer.json["count"], answer.json["items"]) == (200, 0, [])


@pytest.mark.parametrize("path", ["/hosts?status=%00", "/changes?state=%00b", "/changes?kind=%00"])
def test_it_refuses_nul_where_only_some_words_can_match(api: Caller, path: str) -> None:
    host_row("web-1")
    field = path.partition("?")[2].partition("=")[0]
    assert api("carol").get(path).problems == [(field, "unknown")]


def test_it_knows_no_host_with_nul_in_its_name(api: Caller) -> None:
    host_row("web-1")
    assert api("carol").get("/hosts/web-1%00").status == 404
    assert api("carol").post("/hosts/web-1%00/refresh").status == 404
    assert api("admin").post("/hosts/web-1%00/revoke").status == 404


def test_it_refuses_nul_in_a_body(api: Caller) -> None:
    host_row("web-1")
    good = {"host": "web-1", "kind": "subnet", "spec": SPEC, "reason": "VPN"}
    odd = [{"host": "\x00"}, {"kind": "\x00"}, {"reason": "\x00"}, {"spec": {**SPEC, "\x00": 1}}]
    odd += [{"spec": {**SPEC, "accept": ["\x00"]}}, {"spec": {**SPEC, "network": "bridge\x00"}}]
    for one in odd:
        assert api("alice").post("/changes", {**good, **one}).status == 422, one
    assert not Change.objects.exists()
    label = {"subnet": "10.8.0.0/16", "label": "VPN\x00"}
    assert api("admin").post("/reserved-ranges", label).problems == [("label", "invalid")]
    assert not ReservedRange.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        *("/?q=%00", "/?environment=%00", "/?status=%00", "/?page=%00", "/hosts/web-1%00/"),
        *("/changes/?host=%00", "/changes/?state=%00", "/changes/?kind=%00"),
        *("/changes/?requester=%00", "/changes/?page=%00", "/hosts/web-1/history/?page=%00"),
        *("/changes/new/?host=%00", "/changes/new/?from=%00", "/changes/new/?kind=%00"),
        *("/changes/new/size/?host=%00&containers=5", "/changes/new/size/?containers=%00"),
    ],
)
def test_it_shows_pages_whose_address_holds_nul(people: dict[str, User], path: str) -> None:
    change_row(host_row("web-1"), people["alice"])
    client = Client(raise_request_exception=False)
    client.force_login(people["alice"])
    for headers in ({}, {"HX-Request": "true"}):
        assert client.get(path, headers=headers).status_code in (200, 404)
    assert client.get("/hosts/web-1/").status_code == 200


def test_it_asks_for_no_change_by_nul(people: dict[str, User]) -> None:
    host_row("web-1")
    client = Client(raise_request_exception=False)
    client.force_login(people["alice"])
    for name in ("host", "reason", "subnet", "kind", "accept"):
        sent = {"host": "web-1", "subnet": SPEC["subnet"], "reason": "VPN", name: "\x00"}
        status = client.post("/changes/new/", sent).status_code
        assert status in (302, 422), name
        assert client.post("/changes/new/", {**sent, "propose": "1"}).status_code == 200, name
