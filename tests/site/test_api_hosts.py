"""Hosts over the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from hosts.models import EnrolmentToken, Host, ReservedRange
from hosts.services import host_tags_set, observation_store
from netops.engine.observed import Observed
from netops.engine.serial import from_json
from people.models import User
from tests.site.api_client import Api
from tests.site.line import Line
from tests.site.rows import host_row

pytestmark = pytest.mark.django_db


def test_it_registers_a_host_and_says_how_to_enrol_it(
    api: Callable[[str], Api], settings: Settings
) -> None:
    answer = api("admin").post("/hosts", {"name": "web-1", "environment": "production"})
    assert answer.status == 201
    assert answer.json["name"] == "web-1"
    assert answer.json["status"] == "pending"
    command = answer.json["enroll_command"]
    assert "\n" not in command
    assert command.startswith("python3 -c ")
    assert settings.DOCKERNET_PUBLIC_URL in command
    token = command.split()[-1]
    row = EnrolmentToken.objects.get()
    assert token not in row.digest
    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    shown = api("carol").get("/hosts/web-1").json
    assert (shown["status"], shown["environment"]) == ("pending", "production")
    assert shown["networks"] == []
    assert shown["docker"] is None
    assert shown["observed_at"] is None


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, [("name", "required")]),
        ({"name": ""}, [("name", "invalid")]),
        ({"name": "Web 1"}, [("name", "invalid")]),
        ({"name": "-web"}, [("name", "invalid")]),
        ({"name": "web\n"}, [("name", "invalid")]),
        ({"name": "a" * 64}, [("name", "invalid")]),
        ({"name": 7}, [("name", "invalid")]),
        ({"name": None}, [("name", "invalid")]),
        ({"name": ["web"]}, [("name", "invalid")]),
        ({"name": "web", "environment": "a b"}, [("environment", "invalid")]),
        ({"name": "web", "enviroment": "x"}, [("enviroment", "unknown-field")]),
    ],
)
def test_it_refuses_bad_input(
    body: Any, problems: list[tuple[str, str]], api: Callable[[str], Api]
) -> None:
    answer = api("admin").post("/hosts", body)
    assert (answer.status, answer.problems) == (422, problems)
    assert not Host.objects.exists()
    assert not EnrolmentToken.objects.exists()


def test_it_refuses_a_name_that_is_taken(api: Callable[[str], Api]) -> None:
    host_row("web-1")
    answer = api("admin").post("/hosts", {"name": "web-1"})
    assert (answer.status, answer.problems) == (409, [("name", "name-taken")])
    assert Host.objects.count() == 1
    assert not EnrolmentToken.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "online"),
        ({"last_seen_at": timezone.now() - timedelta(seconds=31)}, "offline"),
        ({"last_seen_at": None}, "offline"),
        ({"enrolled_at": None}, "pending"),
        ({"revoked_at": timezone.now()}, "revoked"),
    ],
)
def test_it_tells_the_status(
    fields: dict[str, Any], status: str, api: Callable[[str], Api]
) -> None:
    host_row("web-1", **fields)
    carol = api("carol")
    assert carol.get("/hosts/web-1").json["status"] == status
    for other in ("online", "offline", "pending", "revoked"):
        found = [item["name"] for item in carol.get("/hosts", status=other).json["items"]]
        assert found == (["web-1"] if other == status else [])
    refused = carol.get("/hosts", status="nonsense")
    assert (refused.status, refused.problems) == (422, [("status", "unknown")])


@pytest.mark.parametrize("recording", ["sysv", "systemd"])
def test_it_shows_what_a_real_host_said(
    recording: str, api: Callable[[str], Api], recorded: Callable[[str], Any]
) -> None:
    host, data = host_row("web-1"), recorded(recording)
    observation_store(host=host, observed=from_json(Observed, data), cause="start")
    shown = api("carol").get("/hosts/web-1").json
    assert shown["docker"]["version"] == data["daemon"]["version"]
    assert shown["docker"]["service"] == data["service"]["manager"]
    assert shown["docker"]["live_restore"] is data["daemon"]["live_restore"]
    assert shown["firewall"] == {"backend": data["firewall"]["backend"]}
    bridge = next(n for n in shown["networks"] if n["name"] == "bridge")
    assert bridge["bridge"] == "docker0"
    assert bridge["subnet"] == shown["layers"]["docker"] == shown["layers"]["kernel"]
    running = {c["name"] for c in data["containers"] if c["state"] in ("running", "paused")}
    attached = {c["name"]: c for c in bridge["containers"]}
    assert attached
    assert set(attached) <= running
    for container in attached.values():
        assert set(container) >= {"name", "ipv4", "mac", "veth", "restart_policy"}
        assert container["ipv4"]
    assert shown["observed_at"]


def test_it_shows_pages(api: Callable[[str], Api]) -> None:
    for number in range(5):
        host_row(f"web-{number}")
    answer = api("carol").get("/hosts", page=2, page_size=2).json
    assert [item["name"] for item in answer["items"]] == ["web-2", "web-3"]
    assert (answer["count"], answer["page"], answer["page_size"]) == (5, 2, 2)
    assert api("carol").get("/hosts", page=9, page_size=2).json["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"page": 0}, "page"),
        ({"page": "x"}, "page"),
        ({"page": -1}, "page"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 201}, "page_size"),
    ],
)
def test_it_refuses_bad_pages(query: dict[str, Any], field: str, api: Callable[[str], Api]) -> None:
    answer = api("carol").get("/hosts", **query)
    assert answer.status == 422
    assert [f for f, _ in answer.problems] == [field]


@pytest.mark.parametrize("size", [1, 30])
def test_it_asks_the_database_the_same_for_any_number_of_hosts(
    size: int,
    api: Callable[[str], Api],
    django_assert_num_queries: DjangoAssertNumQueries,
    recorded: Callable[[str], Any],
) -> None:
    carol, data = api("carol"), recorded("sysv")
    for _ in range(size):
        host_row(observed=data)
    carol.get("/me")
    with django_assert_num_queries(4):  # token, page, tags, count
        assert len(carol.get("/hosts").json["items"]) == size


def test_it_narrows_and_sorts_the_list(api: Callable[[str], Api], people: dict[str, User]) -> None:
    first = host_row("a", docker_version="27.5.1", conflict_count=2)
    host_row("b", docker_version="26.1.5", container_count=3)
    host_tags_set(user=people["admin"], host=first, tags=["gpu"])
    for query, names in {
        "tag=gpu": ["a"],
        "docker_version=26.1.5": ["b"],
        "conflicts=yes": ["a"],
        "changes=yes": [],
        "sort=-containers": ["b", "a"],
    }.items():
        found = api("carol").get(f"/hosts?{query}").json["items"]
        assert [host["name"] for host in found] == names
    assert api("carol").get("/hosts?conflicts=perhaps").status == 422
    assert api("carol").get("/hosts?sort=-colour").problems == [("sort", "unknown")]


def test_an_admin_tags_hosts(api: Callable[[str], Api]) -> None:
    api("admin").post("/hosts", {"name": "web-1", "tags": ["Shop"]})
    assert api("carol").get("/hosts/web-1").json["tags"] == ["shop"]
    answer = api("admin").send("PUT", "/hosts/web-1/tags", json.dumps({"tags": ["gpu", "eu-1"]}))
    assert (answer.status, answer.json["tags"]) == (200, ["eu-1", "gpu"])
    answer = api("admin").send("PUT", "/hosts/web-1/tags", json.dumps({"tags": ["no tag"]}))
    assert (answer.status, answer.problems) == (422, [("tags", "invalid")])
    assert api("carol").get("/hosts/web-1").json["tags"] == ["eu-1", "gpu"]


def test_it_refuses_to_refresh_a_host_that_is_offline(api: Callable[[str], Api]) -> None:
    host_row("web-1", last_seen_at=None)
    answer = api("carol").post("/hosts/web-1/refresh")
    assert (answer.status, answer.problems) == (409, [("host", "host-offline")])


def test_it_refuses_to_refresh_a_host_that_fetches_nothing(
    api: Callable[[str], Api], line: Line
) -> None:
    host_row("web-1")
    line.queued = {str(number) for number in range(19)}
    assert api("carol").post("/hosts/web-1/refresh").status == 202
    assert len(line.sent) == 1
    line.queued.add("19")
    answer = api("carol").post("/hosts/web-1/refresh")
    assert (answer.status, answer.problems) == (409, [("host", "busy")])
    assert len(line.sent) == 1
    assert len(line.queued) == 20


def test_it_says_that_the_broker_is_away(api: Callable[[str], Api]) -> None:
    host_row("web-1")
    answer = api("carol").post("/hosts/web-1/refresh")
    assert (answer.status, answer.problems) == (503, [("", "unavailable")])


def test_it_keeps_reserved_ranges(api: Callable[[str], Api]) -> None:
    admin = api("admin")
    made = admin.post("/reserved-ranges", {"subnet": "10.8.0.0/16", "label": "VPN"})
    assert made.status == 201
    again = admin.post("/reserved-ranges", {"subnet": "10.8.0.0/16", "label": "VPN"})
    assert (again.status, again.problems) == (409, [("subnet", "known")])
    for bad in ("10.8.0.1/16", "fd00::/8", "x", "10.8.0.0/33"):
        answer = admin.post("/reserved-ranges", {"subnet": bad, "label": "VPN"})
        assert (answer.status, answer.problems) == (422, [("subnet", "invalid")])
    assert [r["subnet"] for r in api("carol").get("/reserved-ranges").json["items"]] == [
        "10.8.0.0/16"
    ]
    path = f"/reserved-ranges/{made.json['id']}"
    wrong = admin.send("PUT", path, '{"subnet": "10.8.0.1/16", "label": "VPN"}')
    assert (wrong.status, wrong.problems) == (422, [("subnet", "invalid")])
    assert str(ReservedRange.objects.get()) == "10.8.0.0/16 (VPN)"
    edited = admin.send("PUT", path, '{"subnet": "10.8.0.0/15", "label": "VPNs"}')
    assert (edited.status, edited.json["subnet"]) == (200, "10.8.0.0/15")
    assert str(ReservedRange.objects.get()) == "10.8.0.0/15 (VPNs)"
    missing = admin.send("PUT", "/reserved-ranges/99", '{"subnet": "10.9.0.0/16", "label": "x"}')
    assert missing.status == 404
    assert admin.send("DELETE", path).status == 204
    assert not ReservedRange.objects.exists()
    assert admin.send("DELETE", f"/reserved-ranges/{made.json['id']}").status == 404
