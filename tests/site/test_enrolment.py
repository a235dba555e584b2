"""How a host comes in, and how it is locked out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from dockernet_site.broker import EmbeddedBroker
from hosts.models import EnrolmentToken, Host
from hosts.services import (
    broker_access,
    enrolment_redeem,
    enrolment_renew,
    host_create,
    host_revoke,
)
from hosts.services.broker_access import BrokerAway
from people.errors import Conflict, Forbidden
from people.models import User
from tests.site.fake_host import FakeHost

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(people: dict[str, User]) -> str:
    return host_create(user=people["admin"], name="web-1")[1].split()[-1]


def test_it_gives_a_host_its_secret_and_its_password(broker: EmbeddedBroker, token: str) -> None:
    config = enrolment_redeem(token=token)
    host = Host.objects.get()
    assert (config.host_id, config.name) == (host.pk, "web-1")
    assert config.secret == host.secret
    assert len(bytes.fromhex(config.secret)) == 32
    assert host.status == "offline"
    password = config.broker_url.split(":")[2].split("@")[0]
    assert password not in str(Host.objects.values())
    with redis.Redis.from_url(config.broker_url) as client:
        assert client.ping()


def test_it_takes_a_token_once(broker: EmbeddedBroker, token: str) -> None:
    first = enrolment_redeem(token=token)
    with pytest.raises(Forbidden):
        enrolment_redeem(token=token)
    assert Host.objects.get().secret == first.secret


@pytest.mark.parametrize("how", ["late", "wrong", "empty", "revoked"])
def test_it_takes_no_bad_token(broker: EmbeddedBroker, token: str, how: str) -> None:
    if how == "late":
        EnrolmentToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if how == "revoked":
        Host.objects.update(revoked_at=timezone.now())
    with pytest.raises(Forbidden):
        enrolment_redeem(token={"wrong": token + "x", "empty": ""}.get(how, token))
    host = Host.objects.get()
    assert (host.secret, host.enrolled_at) == ("", None)
    assert broker_access.client().acl_users() == ["default", "site"]


def test_it_keeps_the_token_good_while_the_broker_is_away(token: str, db: None) -> None:
    with pytest.raises(BrokerAway):
        enrolment_redeem(token=token)
    assert EnrolmentToken.objects.get().used_at is None
    assert Host.objects.get().status == "pending"


def test_it_gives_a_new_line_and_forgets_the_old(
    broker: EmbeddedBroker, token: str, people: dict[str, User]
) -> None:
    host = Host.objects.get()
    with pytest.raises(Forbidden):
        enrolment_renew(user=people["bob"], host=host)
    fresh = enrolment_renew(user=people["admin"], host=host).split()[-1]
    with pytest.raises(Forbidden):
        enrolment_redeem(token=token)
    assert enrolment_redeem(token=fresh).host_id == host.pk
    with pytest.raises(Conflict):
        enrolment_renew(user=people["admin"], host=Host.objects.get())


def test_it_locks_a_host_out_at_once(
    enrol: Callable[..., FakeHost], people: dict[str, User]
) -> None:
    thief = enrol()
    thief.beat()
    host = Host.objects.get()
    with pytest.raises(Forbidden):
        host_revoke(user=people["bob"], host=host)
    thief.beat()
    host_revoke(user=people["admin"], host=host)
    with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
        thief.beat()
    assert Host.objects.get().status == "revoked"
    assert Host.objects.get().secret == ""
    with pytest.raises(Conflict):
        host_revoke(user=people["admin"], host=host)
