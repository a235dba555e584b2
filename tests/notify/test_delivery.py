"""Messages go out over real sockets, once, and again when they did not."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from netops.models import Change
from notify.happenings import Happening
from notify.message import message_of
from notify.models import Delivery
from notify.senders.guard import allowed
from notify.services.choices import trial_send
from notify.services.deliver import deliver, deliveries_forget, pause_after
from notify.services.webhooks import webhook_remove, webhook_save
from people.models import User
from tests.notify.conftest import MailSink, Receiver

pytestmark = pytest.mark.django_db
People = dict[str, User]
State = Delivery.State


def about(change: Change, user: User, channel: str = "webhook") -> Delivery:
    message = message_of(Happening.FAILED, change)
    return Delivery.objects.create(
        user=user,
        channel=channel,
        happening="failed",
        change=change,
        subject=message.subject,
        message=message.to_json(),
    )


def again(delivery: Delivery) -> Delivery:
    """Let its pause be over, and send what is due."""
    Delivery.objects.filter(pk=delivery.pk).update(next_at=timezone.now())
    deliver()
    delivery.refresh_from_db()
    return delivery


def verified(secret: str, header: str, body: bytes) -> bool:
    """What docs/notifications.md tells a receiver to do."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    signed = f"{parts['t']}.".encode() + body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, parts["v1"])


def test_it_posts_a_signed_message_that_slack_takes(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    Change.objects.filter(pk=waiting.pk).update(reason="<!channel> & <https://x|y>")
    waiting.refresh_from_db()
    secret = webhook_save(user=people["alice"], url=receiver.url)
    sent = about(waiting, people["alice"])
    assert deliver() == 1
    [(headers, body)] = receiver.taken
    assert verified(secret, headers["X-Dockernet-Signature"], body)
    assert not verified(secret, headers["X-Dockernet-Signature"], body + b" ")
    assert not verified("other", headers["X-Dockernet-Signature"], body)
    assert headers["X-Dockernet-Delivery"] == str(sent.pk)
    told = json.loads(body)
    assert f"Change {waiting.pk} on web-1 failed" in told["text"]
    # Nobody's reason calls a whole channel, or hides a link.
    assert "<!channel>" not in told["text"] + json.dumps(told["blocks"])
    assert told["dockernet"]["change"]["reason"] == "<!channel> & <https://x|y>"
    assert told["dockernet"]["id"] == str(sent.pk)
    sent.refresh_from_db()
    assert (sent.state, sent.attempts, sent.error) == (State.SENT, 1, "")
    assert deliver() == 0
    assert len(receiver.taken) == 1


@pytest.mark.parametrize(("status", "said"), [(500, "answered 500"), (302, "not followed")])
def test_it_tries_again_until_a_day_is_over(
    people: People, waiting: Change, receiver: Receiver, status: int, said: str
) -> None:
    receiver.status = status
    webhook_save(user=people["alice"], url=receiver.url)
    sent = again(about(waiting, people["alice"]))
    assert (sent.state, sent.attempts) == (State.WAITING, 1)
    assert said in sent.error
    assert sent.next_at > timezone.now() + timedelta(seconds=50)
    assert deliver() == 0
    assert len(receiver.taken) == 1
    assert again(sent).attempts == 2
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert again(sent).state == State.GIVEN_UP
    receiver.status = 200
    assert again(sent).state == State.GIVEN_UP
    assert len(receiver.taken) == 3


def test_it_goes_out_when_the_receiver_is_back(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    webhook_save(user=people["alice"], url=receiver.url)
    receiver.status = 503
    sent = again(about(waiting, people["alice"]))
    receiver.status = 204
    sent = again(sent)
    assert (sent.state, sent.attempts, sent.error) == (State.SENT, 2, "")


def test_who_does_not_answer_is_asked_once_a_round(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    webhook_save(user=people["alice"], url=receiver.url)
    receiver.status = 500
    for _ in range(5):
        about(waiting, people["alice"])
    deliver()
    assert len(receiver.taken) == 1


def test_without_its_webhook_a_message_is_given_up(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    webhook_save(user=people["alice"], url=receiver.url)
    sent = about(waiting, people["alice"])
    webhook_remove(user=people["alice"])
    assert again(sent).state == State.GIVEN_UP
    assert receiver.taken == []


def test_it_posts_to_no_private_address(
    people: People, waiting: Change, receiver: Receiver, settings: Settings
) -> None:
    webhook_save(user=people["alice"], url=receiver.url)
    settings.DOCKERNET_WEBHOOK_PRIVATE = ()
    sent = again(about(waiting, people["alice"]))
    assert "127.0.0.1 is not an address that webhooks may go to" in sent.error
    webhook_save(user=people["alice"], url=f"https://localhost:{receiver.server_address[1]}/")
    assert "is not an address" in again(sent).error
    assert receiver.taken == []


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.17.0.1", "192.168.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fd00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "2001:0:53aa::1", "x"),
        *("64:ff9b:1::a01:203", "::ffff:0:10.1.2.3", "::10.1.2.3", "::8.8.8.8", "fec0::1"),
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not allowed(address, plain=False)


def test_public_addresses_are_allowed_with_tls_alone(settings: Settings) -> None:
    for address in ("93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"):
        assert allowed(address, plain=False)
        assert not allowed(address, plain=True)


def test_a_dead_receiver_is_told_without_its_url(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    webhook_save(user=people["alice"], url="http://127.0.0.1:9/services/SECRET")
    sent = again(about(waiting, people["alice"]))
    assert "127.0.0.1 does not answer" in sent.error
    assert "SECRET" not in sent.error


def test_it_sends_mail(people: People, waiting: Change, mail_sink: MailSink) -> None:
    User.objects.filter(username="alice").update(email="alice@example.org")
    sent = about(waiting, people["alice"], "mail")
    assert deliver() == 1
    [(to, mail)] = mail_sink.taken
    assert to == "alice@example.org"
    assert mail["Subject"] == f"[Dockernet] Change {waiting.pk} on web-1 failed and needs a person"
    text = mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert f"/changes/{waiting.pk}/" in text
    assert str(sent.pk) in mail["Message-ID"]


def test_mail_that_is_refused_is_tried_again(
    people: People, waiting: Change, mail_sink: MailSink
) -> None:
    User.objects.filter(username="alice").update(email="alice@example.org")
    mail_sink.refuses = True
    sent = again(about(waiting, people["alice"], "mail"))
    assert sent.state == State.WAITING
    assert "450" in sent.error
    mail_sink.refuses = False
    assert again(sent).state == State.SENT


def test_a_test_reaches_oneself(people: People, receiver: Receiver) -> None:
    webhook_save(user=people["carol"], url=receiver.url)
    trial_send(user=people["carol"], channel="webhook")
    assert deliver() == 1
    assert json.loads(receiver.taken[0][1])["dockernet"]["event"] == "test"


def test_pauses_double_up_to_an_hour() -> None:
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 7, 99)] == [60, 120, 240, 3600, 3600]


def test_old_messages_are_forgotten_but_those_that_wait(people: People, waiting: Change) -> None:
    for state in State:
        one = about(waiting, people["alice"])
        old = timezone.now() - timedelta(days=31)
        Delivery.objects.filter(pk=one.pk).update(state=state, created_at=old)
    assert deliveries_forget() == 2
    assert Delivery.objects.get().state == State.WAITING


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    webhook_save(user=people["alice"], url=receiver.url)
    for _ in range(8):
        about(waiting, people["alice"])

    def work() -> None:
        deliver()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [headers["X-Dockernet-Delivery"] for headers, _ in receiver.taken]
    assert len(numbers) == len(set(numbers)) == 8
