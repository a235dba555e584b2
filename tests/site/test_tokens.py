"""API tokens: they end by themselves, and who holds one that ended is told so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from people.models import ApiToken, User
from people.services import token_issue, token_revoke
from tests.site.api_client import Api

pytestmark = pytest.mark.django_db


def test_it_ends_after_ninety_days_unless_asked_otherwise(people: dict[str, User]) -> None:
    token_issue(user=people["carol"])
    row = ApiToken.objects.get()
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    token_issue(user=people["dan"], days=None)
    assert ApiToken.objects.get(user=people["dan"]).expires_at is None


def test_it_says_that_a_token_expired_to_who_has_it(people: dict[str, User]) -> None:
    token = token_issue(user=people["admin"])
    assert Api(token).get("/me").status == 200
    past = timezone.now() - timedelta(seconds=1)
    ApiToken.objects.update(expires_at=past, last_used_at=None)
    answer = Api(token).get("/hosts")
    assert (answer.status, answer.problems) == (401, [("", "token-expired")])
    assert f"expired on {past:%Y-%m-%d %H:%M} UTC" in answer.json["errors"][0]["message"]
    assert answer.response["WWW-Authenticate"].startswith("Bearer")
    assert Api(token[:-1]).get("/hosts").problems == [("", "unauthenticated")]
    assert ApiToken.objects.get().last_used_at is None


def test_it_tells_nothing_to_who_is_not_active(people: dict[str, User]) -> None:
    token = token_issue(user=people["admin"])
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(days=1))
    User.objects.update(is_active=False)
    assert Api(token).get("/hosts").problems == [("", "unauthenticated")]


def test_it_lets_admins_alone_revoke_the_tokens_of_others(people: dict[str, User]) -> None:
    token = token_issue(user=people["carol"])
    pk = ApiToken.objects.get().pk
    for name in ("dan", "bob", "erin"):
        assert token_revoke(user=people[name], pk=pk) is None
    assert Api(token).get("/me").status == 200
    assert token_revoke(user=people["admin"], pk=pk) is not None
    assert Api(token).get("/me").status == 401
    assert token_revoke(user=people["admin"], pk=pk) is None
