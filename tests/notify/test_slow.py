"""Who does not answer, or answers slowly, holds up nobody else. Real sockets, all of them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from netops.models import Change
from notify.happenings import Channel
from notify.models import Delivery
from notify.senders import deadline as deadlines
from notify.senders import guard, hook
from notify.senders.deadline import Deadline
from notify.services.deliver import deliver
from notify.services.webhooks import webhook_save
from people.models import User
from tests.notify.conftest import Receiver
from tests.notify.test_delivery import about
from tests.pages import world

pytestmark = pytest.mark.django_db
People = dict[str, User]
State = Delivery.State


@contextmanager
def served(talk: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[float]]]:
    """A server that talks so to each caller: its port, and when each came."""
    came: list[float] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                one, _address = server.accept()
                came.append(time.monotonic())
                threading.Thread(target=talk_to, args=(one,), daemon=True).start()

    def talk_to(one: socket.socket) -> None:
        with suppress(OSError), closing(one):
            talk(one)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], came
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def drip(start: bytes) -> Callable[[socket.socket], None]:
    """Say `start`, then a letter every fifth of a second, for half a minute."""

    def talk(one: socket.socket) -> None:
        one.recv(65536)
        one.sendall(start)
        for _ in range(150):
            one.sendall(b"a")
            time.sleep(0.2)

    return talk


def silence(one: socket.socket) -> None:
    """Take what comes, and say nothing."""
    while one.recv(65536):
        pass


@pytest.fixture
def local(settings: Settings) -> None:
    settings.DOCKERNET_WEBHOOK_PRIVATE = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 ", b""])
@pytest.mark.usefixtures("local")
def test_a_receiver_that_drips_its_answer_is_cut_off(
    people: People, waiting: Change, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(hook, "TRY_S", 1.0)
    with served(drip(start)) as (port, _came):
        webhook_save(user=people["alice"], url=f"http://127.0.0.1:{port}/")
        sent, began = about(waiting, people["alice"]), time.monotonic()
        assert deliver() == 0
    assert time.monotonic() - began < 4
    sent.refresh_from_db()
    assert (sent.state, sent.error) == (State.WAITING, "No answer came in time.")


@pytest.mark.usefixtures("local")
def test_a_receiver_that_drips_at_the_tls_handshake_is_cut_off(
    people: People, waiting: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "TRY_S", 1.0)
    # The head of a record of 4 KiB, which then never gets whole.
    with served(drip(b"\x16\x03\x03\x10\x00")) as (port, _came):
        webhook_save(user=people["alice"], url=f"https://127.0.0.1:{port}/")
        sent, began = about(waiting, people["alice"]), time.monotonic()
        assert deliver() == 0
    assert time.monotonic() - began < 4
    sent.refresh_from_db()
    assert (sent.state, sent.error) == (State.WAITING, "No answer came in time.")


def test_the_deadline_also_cuts_a_connection_whose_socket_was_taken_over() -> None:
    """As TLS does: the socket that was connected is detached, its descriptor lives on."""
    with served(silence) as (port, _came), Deadline(0.5) as deadline:
        first = socket.create_connection(("127.0.0.1", port), timeout=20)
        deadline.hold(first)
        with closing(socket.socket(fileno=first.detach())) as second:
            began = time.monotonic()
            second.settimeout(20)
            assert second.recv(1) == b""
            assert time.monotonic() - began < 4
            assert deadline.over


@pytest.mark.usefixtures("local")
def test_a_name_that_is_not_found_in_time_costs_its_limit_alone(
    people: People, waiting: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def never(*args: Any, **kwargs: Any) -> Any:
        answer.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(guard, "LOOK_UP_S", 0.3)
    webhook_save(user=people["alice"], url="https://slow.example.org/")
    sent, began = about(waiting, people["alice"]), time.monotonic()
    monkeypatch.setattr(deadlines.socket, "getaddrinfo", never)
    deliver()
    answer.set()
    assert time.monotonic() - began < 4
    sent.refresh_from_db()
    assert sent.error == "The address of slow.example.org was not found in time."


@pytest.mark.usefixtures("local")
def test_of_many_addresses_four_are_tried(
    people: People, waiting: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused ones do not count; of the allowed, the first that answers would be the sixth."""
    with served(silence) as (port, came):
        many = ["10.0.0.1"] * 9 + ["127.0.0.2"] * 5 + ["127.0.0.1"]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in many]
        webhook_save(user=people["alice"], url=f"https://many.example.org:{port}/")
        sent = about(waiting, people["alice"])
        monkeypatch.setattr(deadlines.socket, "getaddrinfo", lambda *a, **k: found)
        deliver()
        assert came == []
    sent.refresh_from_db()
    assert "127.0.0.2 does not answer" in sent.error


@pytest.mark.usefixtures("local")
def test_who_does_not_answer_gets_one_try_a_minute_for_all_its_messages(
    people: People, waiting: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "READ_S", 0.2)
    with served(silence) as (port, came):
        webhook_save(user=people["alice"], url=f"http://127.0.0.1:{port}/")
        for _ in range(5):
            about(waiting, people["alice"])
        for _ in range(3):
            deliver()
        assert len(came) == 1
        soon = timezone.now() + timedelta(seconds=61)
        assert Delivery.objects.filter(state=State.WAITING, next_at__lt=soon).count() == 5


def test_people_who_refuse_do_not_keep_others_from_being_reached(
    people: People, waiting: Change, receiver: Receiver
) -> None:
    """A hundred messages that are due before, to a receiver that answers 500."""
    with served(_refuse) as (port, came):
        webhook_save(user=people["carol"], url=f"http://127.0.0.1:{port}/")
        old = [about(waiting, people["carol"]).pk for _ in range(100)]
        Delivery.objects.filter(pk__in=old).update(next_at=timezone.now() - timedelta(hours=1))
        webhook_save(user=people["alice"], url=receiver.url)
        about(waiting, people["alice"])
        assert deliver() == 1
        assert len(came) == 1
    assert len(receiver.taken) == 1


def _refuse(one: socket.socket) -> None:
    one.recv(65536)
    one.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")


def test_a_mail_server_that_is_away_costs_one_try_a_round(
    people: People, waiting: Change, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_TIMEOUT, settings.DOCKERNET_MAIL = 0.3, True
    with served(silence) as (port, came):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        for n in range(6):
            about(waiting, world.user(f"u{n}", "viewer"), "mail")
        User.objects.update(email="somebody@example.org")
        for n in range(2):
            assert deliver(Channel.MAIL) == 0
            assert len(came) == n + 1
    assert Delivery.objects.filter(attempts=0, error="").count() == 4


@pytest.mark.django_db(transaction=True)
def test_one_receiver_that_lets_wait_takes_one_thread(
    people: People, waiting: Change, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads, a silent receiver with many messages before: another's goes out meanwhile."""
    monkeypatch.setattr(hook, "READ_S", 4.0)
    with served(silence) as (port, came):
        webhook_save(user=people["carol"], url=f"http://127.0.0.1:{port}/")
        old = [about(waiting, people["carol"]).pk for _ in range(9)]
        Delivery.objects.filter(pk__in=old).update(next_at=timezone.now() - timedelta(hours=1))
        webhook_save(user=people["alice"], url=receiver.url)
        about(waiting, people["alice"])
        began = time.monotonic()
        threads = [threading.Thread(target=_work) for _ in range(2)]
        for thread in threads:
            thread.start()
        while not receiver.taken and time.monotonic() - began < 10:
            time.sleep(0.02)
        assert time.monotonic() - began < 3
        for thread in threads:
            thread.join()
        assert len(came) == 1


def _work() -> None:
    deliver(Channel.WEBHOOK)
    connections.close_all()
