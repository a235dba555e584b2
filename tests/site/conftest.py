"""People with API tokens, a real broker, hosts that speak the wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import pools
from pytest_django import Settings

from dockernet_site.broker import EmbeddedBroker
from dockernet_site.celery import app
from hosts.models import Host
from hosts.services import broker_access, dispatch, enrolment_redeem, host_create
from netops.ingest.reader import Reader
from people.models import User
from people.services import token_issue, user_save
from tests.site.api_client import Api
from tests.site.fake_host import FakeHost, wait_until
from tests.site.line import Line
from tests.site.real_broker import RealBroker

ROLES = {
    "alice": "operator",
    "bob": "approver",
    "carol": "viewer",
    "dan": "operator",
    "erin": "approver",
    "admin": "admin",
}


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """alice and dan ask, bob and erin judge, carol reads, admin may all."""
    return {name: user_save(name=name, role=role)[0] for name, role in ROLES.items()}


@pytest.fixture
def api(people: dict[str, User]) -> Callable[[str], Api]:
    """Return the API as a person calls it; "" is nobody."""

    def caller(name: str) -> Api:
        return Api(token_issue(user=people[name]) if name else "")

    return caller


@pytest.fixture(scope="session")
def broker_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBroker]:
    broker = RealBroker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def broker(broker_server: RealBroker, settings: Settings) -> Iterator[EmbeddedBroker]:
    """The embedded broker, empty, and used by the site."""
    if not broker_server.runs:
        broker_server.start()
    use_broker(settings, broker_server.embedded.site_url)
    client = broker_access.client()
    client.flushall()
    for name in client.acl_users():
        if str(name).startswith("h-"):
            client.acl_deluser(str(name))
    yield broker_server.embedded
    use_broker(settings, "")


def use_broker(settings: Settings, url: str) -> None:
    settings.REDIS_URL = url
    broker_access.client.cache_clear()
    pools.reset()
    app._pool = None
    app.amqp._producer_pool = None
    app.conf.broker_url = url or "redis://127.0.0.1:1/0"


@pytest.fixture
def reader(broker: EmbeddedBroker, transactional_db: None) -> Iterator[Reader]:
    """The ingest, running in a thread."""
    one = Reader()

    def run() -> None:
        from django.db import connections

        try:
            one.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield one
    one.stop()
    broker_access.wake_ingest()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def enrol(broker: EmbeddedBroker, people: dict[str, User]) -> Callable[..., FakeHost]:
    """Enrol a host by name."""

    def enrolled(name: str = "web-1") -> FakeHost:
        _, command = host_create(user=people["admin"], name=name)
        return FakeHost(enrolment_redeem(token=command.split()[-1]))

    return enrolled


@pytest.fixture
def fake(reader: Reader, enrol: Callable[..., FakeHost]) -> FakeHost:
    """A host that is online, with the ingest running."""
    one = enrol()
    one.beat()
    wait_until(lambda: Host.objects.get(pk=one.config.host_id).is_online)
    return one


@pytest.fixture
def recorded() -> Any:
    """Return what a real host said of itself, by name of the recording, as JSON."""
    import json

    folder = Path(__file__).resolve().parents[1] / "engine" / "recorded"

    def read(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text())

    return read


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The broker, as far as it takes messages to hosts."""
    one = Line()
    for name in ("send", "waiting", "take_back", "holds"):
        monkeypatch.setattr(dispatch, name, getattr(one, name))
    return one
