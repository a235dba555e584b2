"""Bodies that no database or no memory should be asked to hold: refused, nothing is created."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from netops.models import Approval, Change
from netops.states import State
from people.models import User
from people.services import token_issue
from tests.site.rows import SPEC, change_row, host_row

pytestmark = pytest.mark.django_db

BODY = {"host": "web-1", "kind": "subnet", "spec": SPEC, "reason": "VPN"}
HALF = "\ud800"


def sent(user: User, path: str, text: str) -> tuple[int, Any]:
    client = Client(
        raise_request_exception=False, headers={"authorization": "Bearer " + token_issue(user=user)}
    )
    answer = client.post(f"/api/v1{path}", data=text, content_type="application/json")
    return answer.status_code, [e["code"] for e in json.loads(answer.content)["errors"]]


@pytest.mark.parametrize("odd", [{"reason": HALF}, {"host": HALF}, {"reason": "a" + HALF + "b"}])
def test_it_refuses_half_a_character(people: dict[str, User], odd: dict[str, Any]) -> None:
    host_row("web-1")
    answer = sent(people["alice"], "/changes", json.dumps(BODY | odd))
    assert answer[0] == 422
    assert not Change.objects.exists()


def test_it_refuses_half_a_character_in_a_judgement(people: dict[str, User]) -> None:
    change = change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)
    text = json.dumps({"plan_digest": change.plan_digest, "comment": HALF})
    for verb in ("approve", "reject"):
        body = text if verb == "approve" else json.dumps({"comment": HALF})
        assert sent(people["bob"], f"/changes/{change.pk}/{verb}", body) == (422, ["malformed"])
    change.refresh_from_db()
    assert change.state == State.AWAITING_APPROVAL
    assert not Approval.objects.exists()


def test_it_refuses_a_body_that_is_too_large(people: dict[str, User]) -> None:
    host_row("web-1")
    text = json.dumps(BODY | {"reason": "x" * 1_200_000})
    assert sent(people["alice"], "/changes", text) == (413, ["too-large"])
    assert not Change.objects.exists()
