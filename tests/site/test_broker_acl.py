"""What a host may do on the broker: its own queue, its own stream, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from pytest_django import Settings
from redis.exceptions import NoPermissionError

from dockernet_site.broker import EmbeddedBroker
from hosts.models import Host
from hosts.selectors import hosts_enrolled
from hosts.services import broker_access, dispatch
from netops.wire import ObserveRequest, queue_name, stream_name
from tests.site.conftest import use_broker
from tests.site.fake_host import FakeHost, wait_until
from tests.site.real_broker import RealBroker

ROOT = Path(__file__).resolve().parents[2]

# The agent's own Celery app and stream, with a task that answers on the stream.
WORKER = """
import sys
from netops.agent.broker import celery_app
from netops.agent.stream import Stream
from netops.agent.config import AgentConfig
config = AgentConfig(sys.argv[1], "web-1", "http://127.0.0.1:1", sys.argv[2], "00" * 32)
app = celery_app(config)
stream = Stream(config)

@app.task(name="dockernet.operate")
def operate(text):
    stream.add("heard " + text)

app.worker_main(["worker", "-P", "solo", "-l", "WARNING", "--without-gossip",
                 "--without-mingle", "--without-heartbeat"])
"""


@pytest.mark.django_db
def test_it_is_enough_for_the_agents_own_worker(enrol: Callable[..., FakeHost]) -> None:
    fake = enrol()
    host = Host.objects.get()
    argv = [sys.executable, "-W", "ignore", "-c", WORKER, host.pk, fake.config.broker_url]
    worker = subprocess.Popen(argv, cwd=ROOT)
    site = broker_access.client()
    try:
        for number in range(3):
            dispatch.send(host=host, body=ObserveRequest(str(number)))
        wait_until(lambda: site.xlen(stream_name(host.pk)) == 3, 20)
    finally:
        worker.kill()
        worker.wait(10)
    entries: Any = site.xrange(stream_name(host.pk))
    assert all(fields["m"].startswith("heard ") for _, fields in entries)
    assert site.acl_log() == []
    assert [key for key in site.keys() if key.startswith("_kombu")] == []  # noqa: SIM118


def commands(own: str, other: str) -> list[tuple[str, ...]]:
    """Everything that a thief would try first."""
    queue, stream = queue_name(own), stream_name(own)
    keys = [queue_name(other), stream_name(other), "dn:site:q", "dn:site:control", "other"]
    tried: list[tuple[str, ...]] = []
    for key in keys:
        tried += [("BRPOP", key, "1"), ("XADD", key, "*", "m", "x"), ("LLEN", key)]
    tried += [("LPUSH", queue, "x"), ("LRANGE", queue, "0", "-1"), ("DEL", queue)]
    tried += [("XREAD", "STREAMS", stream, "0"), ("XDEL", stream, "1-1"), ("XLEN", stream)]
    tried += [("PUBLISH", "dn:site:events", "x"), ("SUBSCRIBE", "dn:site:events")]
    tried += [("PSUBSCRIBE", "*"), ("KEYS", "*"), ("SCAN", "0"), ("GET", "other")]
    tried += [("CONFIG", "GET", "*"), ("ACL", "LIST"), ("ACL", "WHOAMI"), ("MONITOR",)]
    tried += [("FLUSHALL",), ("SHUTDOWN",), ("INFO",), ("SAVE",)]
    tried += [("EVAL", "return 1", "0"), ("CLIENT", "LIST"), ("CLIENT", "KILL", "x")]
    return [*tried, ("SWAPDB", "0", "1"), ("REPLICAOF", "NO", "ONE"), ("MODULE", "LIST")]


@pytest.mark.django_db
def test_it_is_enough_for_nothing_else(enrol: Callable[..., FakeHost]) -> None:
    thief, other = enrol("web-1"), enrol("web-2")
    site = broker_access.client()
    for words in commands(thief.config.host_id, other.config.host_id):
        with pytest.raises(NoPermissionError):
            thief.broker.execute_command(*words)
    assert sorted(site.keys()) == ["dn:site:control"]


@pytest.mark.django_db
def test_it_lets_nobody_in_without_a_password(broker: EmbeddedBroker) -> None:
    for url in (f"redis://127.0.0.1:{broker.port}", f"redis://site:x@127.0.0.1:{broker.port}"):
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(url).ping()


@pytest.mark.django_db
def test_it_knows_its_hosts_and_their_mail_after_a_restart(
    enrol: Callable[..., FakeHost], broker_server: RealBroker, settings: Settings
) -> None:
    fake = enrol()
    host = Host.objects.get()
    dispatch.send(host=host, body=ObserveRequest("1"))
    wait_for_disk(broker_access.client())
    broker_server.stop()
    broker_server.start()
    use_broker(settings, broker_server.embedded.site_url)
    assert fake.receive() == ObserveRequest("1")


def wait_for_disk(client: redis.Redis) -> None:
    """The append-only file is synced once a second."""
    client.execute_command("WAITAOF", "1", "0", "3000")


@pytest.mark.django_db
def test_it_has_exactly_the_hosts_of_the_database(enrol: Callable[..., FakeHost]) -> None:
    one, two = enrol("web-1"), enrol("web-2")
    client = broker_access.client()
    client.acl_setuser("h-stranger", enabled=True, nopass=True, categories=["+@all"], keys=["*"])
    client.acl_deluser(f"h-{two.config.host_id}")
    Host.objects.filter(pk=one.config.host_id).delete()
    broker_access.acl_apply_all(hosts_enrolled())
    assert sorted(client.acl_users()) == sorted(["default", "site", f"h-{two.config.host_id}"])
    two.beat()


@pytest.mark.django_db
def test_it_takes_back_a_job_that_was_not_fetched(enrol: Callable[..., FakeHost]) -> None:
    fake = enrol()
    host = Host.objects.get()
    dispatch.send(host=host, body=ObserveRequest("1"), task_id="a" * 32)
    dispatch.send(host=host, body=ObserveRequest("2"), task_id="b" * 32)
    assert dispatch.waiting(host=host) == 2
    assert dispatch.take_back(host=host, task_id="a" * 32)
    assert not dispatch.take_back(host=host, task_id="a" * 32)
    assert fake.receive() == ObserveRequest("2")
    assert not dispatch.take_back(host=host, task_id="b" * 32)


@pytest.mark.django_db
def test_it_takes_back_every_entry_of_a_job(enrol: Callable[..., FakeHost]) -> None:
    fake = enrol()
    host = Host.objects.get()
    for task_id in ("a" * 32, "b" * 32, "a" * 32):
        dispatch.send(host=host, body=ObserveRequest(task_id[0]), task_id=task_id)
    assert dispatch.holds(host=host, task_id="a" * 32)
    assert dispatch.waiting(host=host) == 3
    assert dispatch.take_back(host=host, task_id="a" * 32)
    assert not dispatch.holds(host=host, task_id="a" * 32)
    assert dispatch.waiting(host=host) == 1
    assert fake.receive() == ObserveRequest("b")


@pytest.mark.django_db
def test_a_queue_that_was_made_something_else_is_one_again(enrol: Callable[..., FakeHost]) -> None:
    """Older rules let a host do that, and no message got through to it ever again."""
    fake, site = enrol(), broker_access.client()
    host = Host.objects.get()

    def poison() -> None:
        site.delete(queue_name(host.pk))
        site.xadd(queue_name(host.pk), {"m": "x"})

    poison()
    assert dispatch.waiting(host=host) == 0
    poison()
    assert not dispatch.take_back(host=host, task_id="a" * 32)
    poison()
    dispatch.send(host=host, body=ObserveRequest("1"))
    assert fake.receive() == ObserveRequest("1")
