"""A second factor: set up, asked for, used once, and required where a role needs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from audit.models import Entry
from hosts.models import Host
from netops.models import Change, Comment
from notify.models import Choice, Webhook
from people.models import ApiToken, User
from people.services import token_issue
from tests.pages import world
from tests.pages.reading import text

Browse = Callable[[str], Client]
ASKED = {"kind": "subnet", "host": "web-1", "subnet": "10.9.0.0/24", "reason": "x"}


class Phone:
    """An authenticator app (RFC 6238), and the clock that it and the site share."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.key = 1_800_000_000, ""
        clock = SimpleNamespace(time=lambda: self.now)
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", clock)

    def code(self) -> str:
        counter = struct.pack(">Q", self.now // 30)
        digest = hmac.digest(base64.b32decode(self.key), counter, hashlib.sha1)
        at = digest[-1] & 15
        return f"{(int.from_bytes(digest[at : at + 4]) & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    return Phone(monkeypatch)


def log_in(client: Client, name: str) -> str:
    """Send name and password; return where that leads."""
    return str(client.post("/login/", {"username": name, "password": name})["Location"])


def set_up(
    client: Client, name: str, phone: Phone, commits: DjangoCaptureOnCommitCallbacks
) -> list[str]:
    """Log in, set up the app; return the recovery codes."""
    log_in(client, name)
    asked = client.get("/account/app/")
    assert asked["Location"] == "/account/again/?next=%2Faccount%2Fapp%2F"
    client.post(asked["Location"], {"password": name})
    page = client.get("/account/app/").content.decode()
    found = re.search(r'id="totp-key">(\w+)<', page)
    assert found
    phone.key = found[1]
    with commits(execute=True):
        answer = client.post("/account/app/", {"code": phone.code()})
    assert answer["Location"] == "/account/codes/"
    shown = client.get("/account/codes/").content.decode()
    listed = re.search(r'id="codes">([^<]+)<', shown)
    assert listed
    return listed[1].split()


def actions() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("action", flat=True))


def test_it_asks_for_the_code_and_takes_each_once(
    people: dict[str, User],
    phone: Phone,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    codes = set_up(Client(), "alice", phone, django_capture_on_commit_callbacks)
    assert len(set(codes)) == 10
    assert "user.mfa_added" in actions()
    client = Client()
    assert log_in(client, "alice") == "/login/code/"
    assert client.get("/").status_code == 302
    assert "not correct" in text(client.post("/login/code/", {"code": "000000"}))
    assert client.get("/").status_code == 302
    assert actions()[-1] == "user.code_failed"
    phone.now += 60
    code = phone.code()
    assert client.post("/login/code/", {"code": code})["Location"] == "/"
    assert Entry.objects.latest("id").data == {"oidc": False, "second_factor": True}
    for used, status in ((code, 200), (codes[0], 302), (codes[0], 200)):
        other = Client()
        log_in(other, "alice")
        assert other.post("/login/code/", {"code": used}).status_code == status
        assert (other.get("/").status_code == 200) == (status == 302)


def test_it_throttles_codes(
    people: dict[str, User],
    phone: Phone,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    set_up(Client(), "alice", phone, django_capture_on_commit_callbacks)
    for _ in range(5):
        client = Client()
        log_in(client, "alice")
        client.post("/login/code/", {"code": "000000"})
    phone.now += 60
    assert "Too many tries" in text(client.post("/login/code/", {"code": phone.code()}))
    assert client.get("/").status_code == 302


def test_it_keeps_the_key_unreadable_and_shows_codes_once(
    people: dict[str, User],
    phone: Phone,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = Client()
    codes = set_up(client, "alice", phone, django_capture_on_commit_callbacks)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert phone.key not in kept
    assert codes[0] not in kept
    answer = client.get("/account/codes/")
    assert "no-store" in answer["Cache-Control"]
    again = answer.content.decode()
    assert "cannot be read again" in again
    assert codes[0] not in again


def test_it_removes_the_app_for_who_proves_themselves(
    people: dict[str, User],
    phone: Phone,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = Client()
    set_up(client, "alice", phone, django_capture_on_commit_callbacks)
    stolen = Client()
    stolen.force_login(people["alice"])
    assert "/account/again/" in stolen.post("/account/app/remove/")["Location"]
    assert "/account/again/" in stolen.post("/account/codes/new/")["Location"]
    assert Authenticator.objects.count() == 2
    assert client.post("/account/app/remove/")["Location"] == "/account/"
    assert not Authenticator.objects.exists()
    assert "user.mfa_removed" in actions()
    assert log_in(Client(), "alice") == "/"


def test_it_lets_who_lacks_a_required_factor_look_and_not_act(
    people: dict[str, User],
    web: Host,
    phone: Phone,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.DOCKERNET_REQUIRE_MFA = frozenset({"operator"})
    script = people["dan"]
    script.role = "operator"
    script.set_unusable_password()
    script.save()
    client = Client()
    log_in(client, "alice")
    assert "second factor" in text(client.get("/hosts/web-1/"))
    assert client.post("/changes/new/", ASKED).status_code == 403
    headers = {"Authorization": f"Bearer {token_issue(user=people['alice'])}"}
    body = {"host": "web-1", "kind": "subnet", "spec": {}, "reason": "x"}
    answer = client.post("/api/v1/changes", body, "application/json", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "second-factor"
    assert not Change.objects.exists()
    headers = {"Authorization": f"Bearer {token_issue(user=script)}"}
    answer = client.post("/api/v1/changes", body, "application/json", headers=headers)
    assert answer.status_code == 422
    set_up(client, "alice", phone, django_capture_on_commit_callbacks)
    assert "second factor" not in text(client.get("/hosts/web-1/"))
    assert client.get("/changes/new/?host=web-1").status_code == 200


def test_it_ends_the_tokens_that_the_password_alone_could_make(
    people: dict[str, User],
    phone: Phone,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    token_issue(user=people["alice"], label="from the page", from_page=True)
    token_issue(user=people["alice"], label="manage user", by="root (shell)")
    client = Client()
    log_in(client, "alice")
    client.post("/account/again/?next=/account/app/", {"password": "alice"})
    assert "Your API tokens end" in text(client.get("/account/app/"))
    assert client.post("/account/app/", {"code": "000000"}).status_code == 200
    assert ApiToken.objects.count() == 2
    set_up(Client(), "alice", phone, django_capture_on_commit_callbacks)
    assert [token.label for token in ApiToken.objects.all()] == ["manage user"]
    assert actions().count("token.revoked") == 1


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/changes/{}/comments/", {"text": "hello"}),
        ("/account/notifications/", {"environment": "", "webhook": "approved"}),
        ("/account/notifications/address/", {"email": "a@example.com"}),
        ("/account/notifications/webhook/", {"url": "https://hooks.example.com/"}),
        ("/hosts/web-1/refresh/", {}),
    ],
)
def test_a_password_alone_looks_and_does_nothing(
    browse: Browse,
    people: dict[str, User],
    web: Host,
    settings: Settings,
    path: str,
    sent: dict[str, str],
) -> None:
    change = world.Story(web, people["carol"]).planned().change
    settings.DOCKERNET_REQUIRE_MFA = frozenset({"operator"})
    alice = browse("alice")
    answer = alice.post(path.format(change.pk), sent)
    assert answer.status_code == 403
    assert "second factor" in text(answer)
    left = [Comment.objects.count(), Choice.objects.count(), Webhook.objects.count()]
    assert (left, User.objects.get(username="alice").email) == ([0, 0, 0], "")
    assert alice.get(f"/changes/{change.pk}/").status_code == 200
    assert alice.post("/language/", {"language": "ko"}).status_code == 302
    assert alice.post("/logout/").status_code == 302
    settings.DOCKERNET_REQUIRE_MFA = frozenset()
    assert browse("alice").post(path.format(change.pk), sent).status_code == 302
