"""The page of one's own notifications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from notify.models import Choice, Delivery, Webhook
from people.models import User
from tests.pages import world
from tests.pages.reading import tags, text, text_of
from tests.pages.test_queries import count

Browse = Callable[[str], Client]
People = dict[str, User]
PAGE = "/account/notifications/"
HOOK = "https://hooks.example.org/services/T0/SECRET"


def ticked(page: object) -> set[str]:
    return {box["id"] for box in tags(page, "input") if "checked" in box}  # type: ignore[arg-type]


def test_nothing_is_chosen_at_first(browse: Browse, people: People) -> None:
    page = browse("carol").get(PAGE)
    assert ticked(page) == set()
    assert "no mail server" in text(page)


def test_it_keeps_a_choice_for_all_and_one_for_an_environment(
    browse: Browse, people: People
) -> None:
    world.host("web-1")
    client = browse("carol")
    answer = client.post(PAGE, {"mail": ["failed"], "webhook": ["failed", "any-failure"]})
    assert answer["Location"] == PAGE
    assert ticked(client.get(PAGE)) == {"mail-failed", "webhook-failed", "webhook-any-failure"}
    page = client.get(f"{PAGE}?environment=production")
    assert "follow your choice for everywhere" in text(page)
    assert ticked(page) == ticked(client.get(PAGE))
    client.post(PAGE, {"environment": "production", "mail": ["approval"]})
    assert ticked(client.get(f"{PAGE}?environment=production")) == {"mail-approval"}
    assert len(ticked(client.get(PAGE))) == 3
    client.post(f"{PAGE}same/", {"environment": "production"})
    assert Choice.objects.get().environment == ""


@pytest.mark.parametrize("sent", [{"mail": ["nonsense"]}, {"environment": "x\x00"}])
def test_it_refuses_what_is_no_choice(browse: Browse, people: People, sent: dict) -> None:
    assert browse("carol").post(PAGE, sent).status_code == 422
    assert not Choice.objects.exists()


def test_it_shows_the_secret_once(browse: Browse, people: People) -> None:
    client = browse("carol")
    page = client.post(f"{PAGE}webhook/", {"url": HOOK}, follow=True)
    secret = text_of(page, "new-secret")
    assert secret.startswith("whsec_")
    again = client.get(PAGE)
    assert text_of(again, "new-secret") == ""
    assert "hooks.example.org" in text(again)
    hook = Webhook.objects.get()
    assert "SECRET" not in f"{hook.url_sealed}{again.content.decode()}"
    assert secret not in hook.secret_sealed
    renewed = text_of(client.post(f"{PAGE}webhook/renew/", follow=True), "new-secret")
    assert renewed.startswith("whsec_")
    assert renewed != secret
    client.post(f"{PAGE}webhook/remove/")
    assert not Webhook.objects.exists()
    actions = list(Entry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["webhook.set", "webhook.renewed", "webhook.removed"]
    assert not Entry.objects.filter(message__contains="/services/").exists()


@pytest.mark.parametrize(
    "url",
    [
        *("", "http://hooks.example.org/x", "https://", "https://a b/", "ftp://x/", "javascript:1"),
        *("https://user:pw@example.org/", "https://x:0/", "https://x:99999/", "http://127.0.0.1/"),
        *("https://[::1/", f"https://x/{'a' * 2000}", "https://x/\x00"),
    ],
)
def test_it_refuses_what_is_no_address(browse: Browse, people: People, url: str) -> None:
    page = browse("carol").post(f"{PAGE}webhook/", {"url": url})
    assert page.status_code == 422
    assert "begins with https://" in text(page)
    assert not Webhook.objects.exists()
    assert not Entry.objects.exists()


def test_plain_http_goes_to_this_machine_where_it_is_allowed(
    browse: Browse, people: People, settings: Settings
) -> None:
    settings.DOCKERNET_WEBHOOK_PRIVATE = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))
    client = browse("carol")
    assert client.post(f"{PAGE}webhook/", {"url": "http://10.0.0.1/"}).status_code == 422
    assert client.post(f"{PAGE}webhook/", {"url": "http://localhost:1/"}).status_code == 302


def test_it_keeps_an_address(browse: Browse, people: People) -> None:
    client = browse("carol")
    client.post(f"{PAGE}address/", {"email": "carol@example.org"})
    assert User.objects.get(username="carol").email == "carol@example.org"
    page = client.post(f"{PAGE}address/", {"email": "not an address"})
    assert page.status_code == 422
    assert "not an address" in page.content.decode()
    assert User.objects.get(username="carol").email == "carol@example.org"


def test_a_test_needs_a_way_and_is_bounded(
    browse: Browse, people: People, settings: Settings
) -> None:
    client = browse("carol")
    for channel in ("mail", "webhook", "pigeon"):
        assert client.post(f"{PAGE}test/", {"channel": channel}).status_code == 422
    client.post(f"{PAGE}webhook/", {"url": HOOK})
    for _ in range(5):
        assert client.post(f"{PAGE}test/", {"channel": "webhook"}).status_code == 302
    assert client.post(f"{PAGE}test/", {"channel": "webhook"}).status_code == 422
    assert Delivery.objects.count() == 5
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    assert client.post(f"{PAGE}test/", {"channel": "webhook"}).status_code == 302


def test_one_sees_ones_own_messages_alone(browse: Browse, people: People) -> None:
    for name in ("carol", "bob"):
        Delivery.objects.create(
            user=people[name], channel="mail", happening="failed", subject=f"To {name}", message={}
        )
    page = text(browse("carol").get(PAGE, headers={"HX-Request": "true"}))
    assert "To carol" in page
    assert "To bob" not in page


@pytest.mark.parametrize("htmx", [False, True])
def test_it_takes_few_queries(browse: Browse, people: People, htmx: bool) -> None:
    def more(number: int) -> None:
        world.host(f"host-{number}", environment=f"env-{number}")
        Choice.objects.create(user=people["carol"], environment=f"env-{number}")
        Delivery.objects.create(
            user=people["carol"], channel="mail", happening="test", subject="x", message={}
        )

    client = browse("carol")
    client.defaults = {"HTTP_HX_REQUEST": "true"} if htmx else {}
    more(0)
    few = count(client, PAGE)
    for number in range(1, 15):
        more(number)
    assert count(client, PAGE) == few
    assert few <= (3 if htmx else 6)


def test_without_a_mail_server_a_choice_of_mail_is_kept_but_not_made(
    browse: Browse, people: People, settings: Settings
) -> None:
    Choice.objects.create(user=people["carol"], environment="", mail=["failed"])
    client = browse("carol")
    page = client.get(PAGE)
    boxes = {box["id"]: box for box in tags(page, "input") if box.get("type") == "checkbox"}
    assert all("disabled" in box for name, box in boxes.items() if name.startswith("mail-"))
    assert not any("disabled" in box for name, box in boxes.items() if name.startswith("web"))
    sent = [box["value"] for box in tags(page, "input") if box.get("name") == "mail"]
    assert sent == ["failed"]
    settings.DOCKERNET_MAIL = True
    boxes = {box["id"]: box for box in tags(client.get(PAGE), "input") if "id" in box}
    assert boxes["mail-failed"]["name"] == "mail"
    assert "disabled" not in boxes["mail-failed"]


def test_settings_of_the_site_are_told_to_admins_alone(browse: Browse, people: People) -> None:
    for name, told in (("carol", False), ("admin", True)):
        page = text(browse(name).get(PAGE))
        assert ("EMAIL_URL" in page) == told
        assert ("DOCKERNET_WEBHOOK_PRIVATE" in page) == told


def test_a_message_is_shown_in_the_readers_language(browse: Browse, people: People) -> None:
    """It went out in English; the page is read in Korean."""
    change = {"id": 7, "host": "web-1"}
    for happening, error in (
        ("failed", "chat.example answered 503."),
        ("comment", "192.0.2.1 does not answer (Connection refused)."),
    ):
        Delivery.objects.create(
            user=people["carol"],
            channel="webhook",
            happening=happening,
            subject="As it was sent",
            message={"text": "", "data": {"change": change}},
            error=error,
        )
    page = text(browse("carol").get(PAGE, headers={"Accept-Language": "ko"}))
    assert "web-1의 7번 변경이 실패하여" in page
    assert "chat.example의 응답: 503." in page
    assert "192.0.2.1에서 응답이 없습니다(Connection refused)." in page
    # Who wrote the comment is not known of a message from before.
    assert "As it was sent" in page
    Delivery.objects.filter(happening="comment").update(
        message={"text": "", "by": "bob", "data": {"change": change}}
    )
    page = text(browse("carol").get(PAGE, headers={"Accept-Language": "ko"}))
    assert "As it was sent" not in page
    assert "bob" in page
