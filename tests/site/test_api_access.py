"""Who may call what; refusals come before anything is read, in one shape, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from hosts.models import EnrolmentToken, Host, ReservedRange
from netops.models import Approval, Change, Event, Job
from netops.states import State
from people.models import ApiToken, User
from people.services import token_issue
from policies.models import EnvironmentPolicy
from tests.site.api_client import Answer, Api
from tests.site.rows import change_row, host_row

pytestmark = pytest.mark.django_db

RANK = ["viewer", "operator", "approver", "admin"]
CALLS = [
    ("GET", "/me", "viewer"),
    ("GET", "/audit", "admin"),
    ("GET", "/hosts", "viewer"),
    ("POST", "/hosts", "admin"),
    ("GET", "/hosts/box", "viewer"),
    ("POST", "/hosts/box/refresh", "viewer"),
    ("POST", "/hosts/box/revoke", "admin"),
    ("POST", "/hosts/box/rotate", "admin"),
    ("PUT", "/hosts/box/tags", "admin"),
    ("GET", "/reserved-ranges", "viewer"),
    ("POST", "/reserved-ranges", "admin"),
    ("PUT", "/reserved-ranges/1", "admin"),
    ("DELETE", "/reserved-ranges/1", "admin"),
    ("POST", "/changes", "operator"),
    ("GET", "/changes", "viewer"),
    ("GET", "/changes/1", "viewer"),
    ("POST", "/changes/1/approve", "approver"),
    ("POST", "/changes/1/reject", "approver"),
    ("POST", "/changes/1/break-glass", "admin"),
    ("GET", "/policies", "viewer"),
    ("PUT", "/policies", "admin"),
    ("POST", "/changes/1/withdraw", "operator"),
    ("POST", "/changes/1/cancel", "operator"),
    ("POST", "/changes/1/confirm", "operator"),
    ("POST", "/changes/1/replan", "operator"),
    ("POST", "/changes/1/revert", "operator"),
    ("GET", "/changes/1/events", "viewer"),
    ("GET", "/changes/1/comments", "viewer"),
    ("POST", "/changes/1/comments", "viewer"),
]
PEOPLE = {"viewer": "carol", "operator": "dan", "approver": "bob", "admin": "admin"}


def everything() -> list[Any]:
    """All rows that a call could have touched."""
    models = (Host, EnrolmentToken, ReservedRange, Change, Approval, Job, Event, EnvironmentPolicy)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_it_lists_every_call_there_is(api: Callable[[str], Api]) -> None:
    paths = api("").get("/openapi.json").json["paths"]
    there = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in paths.items()
        for method in methods
    }
    known = {(method, path) for method, path, _ in CALLS}
    shaped = {
        (m, p.replace("/box", "/{name}").replace("changes/1", "changes/{change_id}"))
        for m, p in known
    }
    shaped = {(m, p.replace("ranges/1", "ranges/{pk}")) for m, p in shaped}
    assert there == shaped


@pytest.mark.parametrize(("method", "path", "role"), CALLS)
def test_it_wants_a_token_and_the_role(
    method: str, path: str, role: str, api: Callable[[str], Api], people: dict[str, User]
) -> None:
    host = host_row("box")
    change_row(host, people["alice"], State.AWAITING_APPROVAL, pk=1)
    before = everything()
    answer = api("").send(method, path, "{not json")
    assert (answer.status, answer.problems) == (401, [("", "unauthenticated")])
    assert answer.response["WWW-Authenticate"].startswith("Bearer")
    for lower in RANK[: RANK.index(role)]:
        answer = api(PEOPLE[lower]).send(method, path, "{not json")
        assert (answer.status, answer.problems) == (403, [("", "role")])
    assert everything() == before


@pytest.mark.parametrize("change", ["wrong", "inactive", "scheme", "empty"])
def test_it_refuses_a_bad_token(change: str, people: dict[str, User]) -> None:
    token = token_issue(user=people["admin"])
    header = f"Bearer {token}"
    if change == "inactive":
        User.objects.update(is_active=False)
    elif change == "wrong":
        header = f"Bearer {token}x"
    elif change == "scheme":
        header = f"Basic {token}"
    else:
        header = "Bearer "
    client = Client()
    answer = Answer(client.get("/api/v1/hosts", headers={"authorization": header}))
    assert (answer.status, answer.problems) == (401, [("", "unauthenticated")])


def test_it_keeps_no_token_readable_and_notes_its_use(people: dict[str, User]) -> None:
    token = token_issue(user=people["carol"], label="script")
    row = ApiToken.objects.get()
    assert token not in str(ApiToken.objects.values())
    assert row.last_used_at is None
    assert Api(token).get("/me").json == {"name": "carol", "role": "viewer"}
    row.refresh_from_db()
    assert row.last_used_at is not None


def test_it_lets_a_logged_in_browser_read_but_not_write(people: dict[str, User]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(people["admin"])
    assert client.get("/api/v1/hosts").status_code == 200
    answer = client.post("/api/v1/hosts", {"name": "evil"}, content_type="application/json")
    assert answer.status_code == 401
    assert not Host.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/changes/abc", 404, "not-found"),
        ("GET", "/changes/999", 404, "not-found"),
        ("GET", "/changes/99999999999999999999", 404, "not-found"),
        ("GET", "/hosts/nobody", 404, "not-found"),
        ("POST", "/hosts/nobody/refresh", 404, "not-found"),
        ("POST", "/changes/999/withdraw", 404, "not-found"),
        ("GET", "/changes/999/events", 404, "not-found"),
        ("DELETE", "/hosts", 405, "method-not-allowed"),
        ("PUT", "/changes/1", 405, "method-not-allowed"),
    ],
)
def test_it_answers_what_is_not_there_in_the_same_shape(
    method: str, path: str, status: int, code: str, api: Callable[[str], Api]
) -> None:
    answer = api("admin").send(method, path)
    assert (answer.status, answer.problems) == (status, [("", code)])


@pytest.mark.parametrize("body", ["{", "[1", "nul", '{"name": "\\ud800"', b"\xff\xfe{}"])
def test_it_calls_a_body_that_is_no_json_bad_input(
    body: str | bytes, api: Callable[[str], Api]
) -> None:
    answer = api("admin").send("POST", "/hosts", body)
    assert (answer.status, answer.problems) == (422, [("", "malformed")])
    assert not Host.objects.exists()


@pytest.mark.parametrize("body", ["", "[]", "3", '"x"', "null"])
def test_it_calls_a_body_that_is_no_object_bad_input(body: str, api: Callable[[str], Api]) -> None:
    answer = api("admin").send("POST", "/hosts", body)
    assert answer.status == 422
    assert answer.problems
    assert not Host.objects.exists()


def test_it_says_so_when_it_is_its_own_fault(
    api: Callable[[str], Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("a bug with a secret in it")

    monkeypatch.setattr("hosts.api.host_get", broken)
    answer = api("carol").get("/hosts/box")
    assert (answer.status, answer.problems) == (500, [("", "internal-error")])
    assert "secret" not in answer.response.content.decode()


def test_it_documents_itself(api: Callable[[str], Api]) -> None:
    nobody = api("")
    schema = nobody.get("/openapi.json").json
    assert schema["components"]["securitySchemes"]
    assert schema["paths"]["/api/v1/changes/{change_id}/events"]["get"]["responses"]["200"][
        "content"
    ] == {"text/event-stream": {"schema": {"type": "string"}}}
    page = nobody.get("/docs")
    text = page.response.content.decode()
    assert page.status == 200
    assert "swagger" in text
    assert "<script>" not in text
    assert "//cdn" not in text
    assert "script-src 'self'" in page.response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "The request needs a JSON object as body."),
        ("[]", "This must be a JSON object."),
        ('{"host": "web-1", "kind": "subnet", "reason": "x", "spec": "y"}', "This must be a JSON"),
    ],
)
def test_it_says_in_words_of_json_what_the_body_lacks(
    api: Callable[[str], Api], body: str, message: str
) -> None:
    answer = api("alice").send("POST", "/changes", body)
    assert answer.status == 422
    assert answer.json["errors"][0]["message"].startswith(message)
