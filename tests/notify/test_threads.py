"""The site's worker sends by each channel in threads of its own."""

from __future__ import annotations

import threading

import pytest

from dockernet_site.celery import app
from dockernet_site.thread_step import ThreadStep
from netops.models import Change
from notify.messenger import Mailer, Messenger, Poster
from notify.services.webhooks import webhook_save
from people.models import User
from tests.notify.conftest import MailSink, Receiver
from tests.notify.test_delivery import about


def test_the_worker_has_a_part_for_each_channel() -> None:
    assert {Messenger, Mailer, Poster} <= app.steps["worker"]


def test_a_part_runs_in_as_many_threads_as_it_says() -> None:
    at_once = threading.Barrier(4, timeout=5)
    met = threading.Event()

    class Four(ThreadStep):
        thread_name, every_s, threads = "four", 0.01, 4

        def once(self) -> None:
            at_once.wait()
            met.set()
            self.stop(None)

    Four(None).start(None)
    assert met.wait(5)


@pytest.mark.django_db(transaction=True)
def test_each_part_sends_by_its_own_channel(
    people: dict[str, User], waiting: Change, receiver: Receiver, mail_sink: MailSink
) -> None:
    User.objects.filter(username="alice").update(email="alice@example.org")
    webhook_save(user=people["alice"], url=receiver.url)
    for channel in ("mail", "webhook"):
        about(waiting, people["alice"], channel)
    Messenger(None).once()
    assert (len(mail_sink.taken), len(receiver.taken)) == (0, 0)
    Mailer(None).once()
    assert (len(mail_sink.taken), len(receiver.taken)) == (1, 0)
    Poster(None).once()
    assert (len(mail_sink.taken), len(receiver.taken)) == (1, 1)
