"""Every address of the pages times every role: a table of who may look and who may act.

The calls of the API have theirs in tests/site/test_api_access.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import get_resolver

from hosts.models import Host
from people.models import ApiToken, User
from policies.models import EnvironmentPolicy
from tests.pages import world

Browse = Callable[[str], Client]
NOBODY, VIEWER, OPERATOR, APPROVER, ADMIN = "", "carol", "alice", "bob", "admin"
RANK = (NOBODY, VIEWER, OPERATOR, APPROVER, ADMIN)
NEVER = None

# (least role that may look, least role that may act); NEVER: that method is refused to all.
TABLE: dict[str, tuple[str | None, str | None]] = {
    "": (VIEWER, NEVER),
    "account/": (VIEWER, NEVER),
    "account/again/": (VIEWER, VIEWER),
    "account/again/code/": (VIEWER, VIEWER),
    "account/app/": (VIEWER, VIEWER),
    "account/app/remove/": (VIEWER, VIEWER),
    "account/codes/": (VIEWER, NEVER),
    "account/codes/new/": (VIEWER, VIEWER),
    "account/notifications/": (VIEWER, VIEWER),
    "account/notifications/address/": (NEVER, VIEWER),
    "account/notifications/same/": (NEVER, VIEWER),
    "account/notifications/test/": (NEVER, VIEWER),
    "account/notifications/webhook/": (NEVER, VIEWER),
    "account/notifications/webhook/remove/": (NEVER, VIEWER),
    "account/notifications/webhook/renew/": (NEVER, VIEWER),
    "account/password/": (VIEWER, VIEWER),
    "add-host/": (ADMIN, ADMIN),
    "audit/": (ADMIN, NEVER),
    "audit/export.csv": (NEVER, ADMIN),
    "audit/export.json": (NEVER, ADMIN),
    "changes/": (VIEWER, NEVER),
    "changes/<int:pk>/": (VIEWER, NEVER),
    "changes/<int:pk>/accept/": (NEVER, OPERATOR),
    "changes/<int:pk>/approve/": (NEVER, APPROVER),
    "changes/<int:pk>/break-glass/": (ADMIN, ADMIN),
    "changes/<int:pk>/cancel/": (NEVER, OPERATOR),
    "changes/<int:pk>/comments/": (VIEWER, VIEWER),
    "changes/<int:pk>/confirm/": (NEVER, OPERATOR),
    "changes/<int:pk>/live/": (VIEWER, NEVER),
    "changes/<int:pk>/reject/": (NEVER, APPROVER),
    "changes/<int:pk>/replan/": (NEVER, OPERATOR),
    "changes/<int:pk>/revert/": (NEVER, OPERATOR),
    "changes/<int:pk>/withdraw/": (NEVER, OPERATOR),
    "changes/export.csv": (VIEWER, NEVER),
    "changes/export.json": (VIEWER, NEVER),
    "changes/new/": (OPERATOR, OPERATOR),
    "changes/new/check/": (VIEWER, NEVER),
    "changes/new/nat/": (VIEWER, NEVER),
    "changes/new/size/": (VIEWER, NEVER),
    "enroll/install.py": (NOBODY, NEVER),
    "enroll/redeem": (NEVER, NOBODY),
    "freezes/": (VIEWER, ADMIN),
    "freezes/<int:pk>/remove/": (NEVER, ADMIN),
    "freezes/weekly/": (NEVER, ADMIN),
    "freezes/weekly/<int:pk>/remove/": (NEVER, ADMIN),
    "groups/": (VIEWER, ADMIN),
    "groups/<int:pk>/": (VIEWER, ADMIN),
    "groups/<int:pk>/<int:user_pk>/remove/": (NEVER, ADMIN),
    "groups/<int:pk>/remove/": (ADMIN, ADMIN),
    "help/terms/": (VIEWER, NEVER),
    "hosts/<slug:name>/": (VIEWER, NEVER),
    "hosts/<slug:name>/enrol/": (NEVER, ADMIN),
    "hosts/<slug:name>/history/": (VIEWER, NEVER),
    "hosts/<slug:name>/refresh/": (NEVER, VIEWER),
    "hosts/<slug:name>/revoke/": (ADMIN, ADMIN),
    "hosts/<slug:name>/rotate/": (ADMIN, ADMIN),
    "hosts/<slug:name>/tags/": (ADMIN, ADMIN),
    "language/": (NEVER, NOBODY),
    "login/": (NOBODY, NOBODY),
    "login/<slug:provider_id>/": (NOBODY, NOBODY),
    "login/<slug:provider_id>/callback/": (NOBODY, NOBODY),
    "login/cancelled/": (NOBODY, NOBODY),
    "login/code/": (NOBODY, NOBODY),
    "logout/": (NEVER, NOBODY),
    "policies/": (VIEWER, NEVER),
    "policies/<int:pk>/": (VIEWER, ADMIN),
    "policies/<int:pk>/grants/": (NEVER, ADMIN),
    "policies/<int:pk>/grants/<int:grant_pk>/remove/": (NEVER, ADMIN),
    "policies/<int:pk>/remove/": (ADMIN, ADMIN),
    "policies/default/": (ADMIN, ADMIN),
    "policies/new/": (ADMIN, ADMIN),
    "map/": (VIEWER, NEVER),
    "map/hosts/": (VIEWER, NEVER),
    "ranges/": (VIEWER, ADMIN),
    "ranges/<int:pk>/": (ADMIN, ADMIN),
    "ranges/<int:pk>/remove/": (ADMIN, ADMIN),
    "tokens/": (VIEWER, NEVER),
    "tokens/<int:pk>/revoke/": (NEVER, VIEWER),
    "tokens/all/": (ADMIN, NEVER),
    "tokens/new/": (NEVER, VIEWER),
    "work/": (VIEWER, NEVER),
    "work/count/": (VIEWER, NEVER),
}
# What a person's own browsing leaves behind.
_FLEETING = {"Session", "Entry"}


def patterns(resolver: Any, before: str = "") -> Iterator[str]:
    """Every address below a resolver but those of the API."""
    for one in resolver.url_patterns:
        path = f"{before}{one.pattern}"
        if path.startswith("api/"):
            continue
        if hasattr(one, "url_patterns"):
            yield from patterns(one, path)
        else:
            yield path


@pytest.fixture
def paths(people: dict[str, User], web: Host) -> Callable[[str], str]:
    """Turns a pattern into the address of something that is there."""
    change = world.Story(web, people["alice"]).planned().change
    policy = EnvironmentPolicy.objects.create(environment="production")
    kept = world.reserved("10.8.0.0/16", "VPN")
    group = Group.objects.create(name="network")
    token = ApiToken.objects.create(user=people["admin"], digest="0" * 64)
    numbers = {"changes": change, "policies": policy, "ranges": kept, "groups": group}

    def at(pattern: str) -> str:
        found: Any = numbers.get(pattern.partition("/")[0], token)
        path = pattern.replace("<slug:name>", "web-1").replace("<slug:provider_id>", "oidc")
        path = path.replace("<int:pk>", str(found.pk))
        return "/" + path.replace("<int:user_pk>", str(people["bob"].pk)).replace(
            "<int:grant_pk>", "1"
        )

    return at


def everything() -> dict[str, list[Any]]:
    """All rows of the database that last."""
    models = [m for m in apps.get_models() if m.__name__ not in _FLEETING and m._meta.managed]
    return {m.__name__: list(m._default_manager.order_by("pk").values()) for m in models}


def lasting() -> dict[str, list[Any]]:
    """The same without when somebody logged in last."""
    rows = everything()
    for person in rows["User"]:
        person.pop("last_login")
    return rows


def turned_away(answer: Any) -> bool:
    """True for the log-in page and for a refusal."""
    login = answer.status_code == 302 and answer["Location"].startswith("/login/")
    return login or answer.status_code in (401, 403)


def test_the_table_has_every_address() -> None:
    assert set(patterns(get_resolver())) == set(TABLE)


@pytest.mark.parametrize("name", RANK)
@pytest.mark.parametrize("pattern", TABLE)
def test_who_may_look(browse: Browse, paths: Callable[[str], str], pattern: str, name: str) -> None:
    least = TABLE[pattern][0]
    before = lasting()
    answer = browse(name).get(paths(pattern))
    assert lasting() == before
    assert answer.status_code < 500
    if least is NEVER:
        assert answer.status_code == 405 or turned_away(answer)
    elif RANK.index(name) < RANK.index(least):
        assert turned_away(answer)
    elif least != NOBODY:
        own = pattern.startswith("account/")
        moved = pattern == "ranges/" and answer.status_code == 302
        assert moved or answer.status_code == 200 or (own and answer.status_code in (302, 404))
    getattr(answer, "close", lambda: None)()


@pytest.mark.parametrize("name", RANK)
@pytest.mark.parametrize("pattern", TABLE)
def test_who_may_act(browse: Browse, paths: Callable[[str], str], pattern: str, name: str) -> None:
    least = TABLE[pattern][1]
    path, before = paths(pattern), lasting()
    answer = browse(name).post(path, {"plan_digest": "x", "comment": ""})
    assert answer.status_code < 500 or answer.status_code == 503
    if least is NEVER:
        assert answer.status_code == 405 or turned_away(answer)
        assert lasting() == before
    elif RANK.index(name) < RANK.index(least):
        assert turned_away(answer)
        assert lasting() == before
    elif least not in (NOBODY, VIEWER):
        assert not turned_away(answer) or answer.status_code == 403


# A host has no cookie that could be misused: its one-time token is the proof.
COOKIES = [p for p, (_, act) in TABLE.items() if act is not NEVER and p != "enroll/redeem"]


@pytest.mark.parametrize("pattern", COOKIES)
def test_no_other_site_can_make_a_browser_act(
    people: dict[str, User], paths: Callable[[str], str], pattern: str
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people["admin"])
    path, before = paths(pattern), lasting()
    answer = strict.post(path, {"name": "x"})
    assert answer.status_code == 403
    assert lasting() == before
