"""An external broker with the users that broker-acl prints, and TLS in front of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from dockernet_site.broker import EmbeddedBroker
from dockernet_site.broker_link import require_checked
from hosts.models import Host
from hosts.services import broker_access, dispatch, host_revoke
from hosts.services.broker_users import broker_users, broker_users_apply
from hosts.services.trouble import Troubles
from netops.ingest.watch import StreamWatch
from netops.wire import ObserveRequest, stream_name
from people.models import User
from tests.agent.broker import Broker
from tests.faults.conftest import RealAgent
from tests.site.conftest import use_broker
from tests.site.fake_host import FakeHost, wait_until

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "p" * 40
TOLD = "its certificate is not for its name, or not from"


@pytest.fixture
def external(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    """A broker that nobody has set up, with its default user on."""
    folder = tmp_path / "external"
    folder.mkdir()
    one = Broker(folder, "0" * 12)
    one.start()
    use_broker(settings, f"redis://dockernet:{PASSWORD}@127.0.0.1:{one.port}/0")
    yield one
    one.stop()
    use_broker(settings, "")


def printed(*options: str) -> list[str]:
    out = io.StringIO()
    call_command("broker-acl", *options, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


@pytest.mark.django_db
def test_what_is_printed_can_be_pasted_and_lets_the_site_work(
    external: Broker, people: dict[str, User], enrol_external: Callable[[], FakeHost]
) -> None:
    assert PASSWORD not in "\n".join(printed("--default-off"))
    for line in printed("--default-off"):
        external.client.execute_command(*line.split())
    fake = enrol_external()
    host, site = Host.objects.get(), broker_access.client()
    dispatch.send(host=host, body=ObserveRequest("1"))
    assert fake.receive() == ObserveRequest("1")
    fake.beat()
    ahead = {stream_name(host.pk): "9999999999999-0"}
    assert StreamWatch(Troubles()).look(site, ahead) == {stream_name(host.pk): "0"}
    broker_access.acl_apply_all([host])
    host_revoke(user=people["admin"], host=host)
    for words in (("CONFIG", "GET", "*"), ("KEYS", "*"), ("FLUSHALL",), ("GET", "other")):
        with pytest.raises(redis.exceptions.NoPermissionError):
            site.execute_command(*words)
    for url in (f"redis://127.0.0.1:{external.port}/0", f"redis://:x@127.0.0.1:{external.port}/0"):
        with pytest.raises(redis.exceptions.RedisError):
            redis.Redis.from_url(url).ping()


@pytest.mark.django_db
def test_they_are_enough_for_the_sites_own_worker(external: Broker, tmp_path: Path) -> None:
    """It ticks, sends itself a sweep and fetches it, and touches no key but its own."""
    for line in printed():
        external.client.execute_command(*line.split())
    site_url = f"redis://dockernet:{PASSWORD}@127.0.0.1:{external.port}/0"
    env = {**os.environ, "REDIS_URL": site_url, "DOCKERNET_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "celery", "-q", "-A", "dockernet_site", "worker", "-P", "solo"]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat"]  # As `up` has it.
    log = (tmp_path / "worker.log").open("wb")
    worker = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        wait_until(lambda: worker.poll() is not None or fetched(external), 30)
        assert worker.poll() is None
    finally:
        worker.kill()
        worker.wait(10)
        log.close()
    assert external.denied() == []
    assert set(external.client.keys()) <= {"dn:site:sweep", "dn:site:q", "dn:site:control"}


def fetched(external: Broker) -> bool:
    stats = external.client.info("commandstats")
    return "cmdstat_lpush" in stats and not external.client.exists("dn:site:q")


@pytest.fixture
def enrol_external(people: dict[str, User]) -> Callable[[], FakeHost]:
    from hosts.services import enrolment_redeem, host_create

    def enrolled() -> FakeHost:
        _, command = host_create(user=people["admin"], name="web-1")
        return FakeHost(enrolment_redeem(token=command.split()[-1]))

    return enrolled


@pytest.mark.django_db
def test_it_sets_the_same_users_itself(external: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERNET_BROKER_ADMIN_URL", external.site_url)
    assert printed("--apply", "--default-off") == []
    assert broker_access.client().ping()
    with pytest.raises(redis.exceptions.RedisError):
        redis.Redis.from_url(external.site_url).ping()


@pytest.mark.django_db
def test_lines_of_the_aclfile_start_a_broker(broker: EmbeddedBroker, tmp_path: Path) -> None:
    from dockernet_site.broker import broker_program

    path = tmp_path / "users.acl"
    path.write_text("\n".join(printed("--default-off", "--aclfile")) + "\n")
    one = Broker(tmp_path, "0" * 12)
    argv = [str(broker_program()), "--port", str(one.port), "--aclfile", str(path), "--save", ""]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=tmp_path)
    try:
        url = broker.site_url.replace(f":{broker.port}/", f":{one.port}/")
        wait_until(lambda: answers(url))
    finally:
        process.kill()
        process.wait()


@pytest.mark.django_db
def test_what_it_sets_is_in_the_aclfile(tmp_path: Path, settings: Any) -> None:
    """Also when the user that sets it is switched off with it."""
    from dockernet_site.broker import broker_program

    path, one = tmp_path / "users.acl", Broker(tmp_path, "0" * 12)
    path.write_text("user default on nopass ~* &* +@all\n")
    argv = [str(broker_program()), "--port", str(one.port), "--aclfile", str(path), "--save", ""]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=tmp_path)
    use_broker(settings, f"redis://dockernet:{PASSWORD}@127.0.0.1:{one.port}/0")
    try:
        wait_until(lambda: answers(one.site_url))
        broker_users_apply(users=broker_users(default_off=True), url=one.site_url)
        assert "user dockernet on" in path.read_text()
        assert "user default off" in path.read_text()
    finally:
        process.kill()
        process.wait()
        use_broker(settings, "")


def answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url).ping())
    except redis.exceptions.ConnectionError:
        return False


@pytest.mark.parametrize("option", ["ssl_cert_reqs=none", "ssl_check_hostname=False"])
def test_no_url_can_switch_the_checks_off(option: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        require_checked("REDIS_URL", f"rediss://x:y@h:1/0?{option}")


def openssl(*argv: str, folder: Path) -> None:
    subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """Make a CA and a certificate of 127.0.0.1 from it; return the CA's file."""
    subject = ["-nodes", "-newkey", "rsa:2048", "-days", "2"]
    openssl("req", "-x509", *subject, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", folder=folder)  # fmt: skip
    openssl("req", "-x509", *subject, "-subj", "/CN=broker", "-addext",
            "subjectAltName=IP:127.0.0.1", "-CA", f"{name}.pem", "-CAkey", f"{name}.key",
            "-keyout", "broker.key", "-out", "broker.pem", folder=folder)  # fmt: skip
    return folder / f"{name}.pem"


def tls_in_front(port: int, folder: Path) -> int:
    """Serve TLS with the folder's certificate in front of a port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "broker.pem", folder / "broker.key")
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                inside = context.wrap_socket(listener.accept()[0], server_side=True)
            except OSError:
                continue
            outside = socket.create_connection(("127.0.0.1", port))
            for pair in ((inside, outside), (outside, inside)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listener.getsockname()[1])


@pytest.mark.django_db(transaction=True)
def test_site_and_agent_talk_over_tls_and_refuse_another_authority(
    broker: EmbeddedBroker, settings: Any, tmp_path: Path, people: dict[str, User]
) -> None:
    from dockernet_site.celery import app
    from hosts.services import enrolment_redeem, host_create

    ca = authority(tmp_path, "ca")
    port = tls_in_front(broker.port, tmp_path)
    settings.DOCKERNET_BROKER_CA = str(ca)
    use_broker(
        settings,
        broker.site_url.replace("redis:", "rediss:").replace(f":{broker.port}", f":{port}"),
    )
    from dockernet_site.broker_link import celery_tls

    app.conf.broker_use_ssl = celery_tls(settings.REDIS_URL, str(ca))
    try:
        _, command = host_create(user=people["admin"], name="web-1")
        config = enrolment_redeem(token=command.split()[-1])
        assert (config.broker_ca, config.broker_url[:9]) == ("broker-ca.pem", "rediss://")
        one = RealAgent(tmp_path, config)
        (tmp_path / "broker-ca.pem").write_bytes(ca.read_bytes())
        one.start()
        try:
            site = broker_access.client()
            stream = f"dn:{config.host_id}:ev"
            wait_until(lambda: site.xlen(stream) >= 2, 20)
            before = site.xlen(stream)
            dispatch.send(host=Host.objects.get(), body=ObserveRequest("tls"))
            wait_until(lambda: site.xlen(stream) > before, 20)
            one.kill()
            other = tmp_path / "other"
            other.mkdir()
            (tmp_path / "broker-ca.pem").write_bytes(authority(other, "wrong").read_bytes())
            one.start()
            wait_until(lambda: TOLD in one.log.read_text(), 20)
        finally:
            one.kill()
        settings.DOCKERNET_BROKER_CA = str(other / "wrong.pem")
        broker_access.client.cache_clear()
        with pytest.raises(broker_access.BrokerAway):
            dispatch.waiting(host=Host.objects.get())
    finally:
        app.conf.broker_use_ssl = None
        use_broker(settings, "")
    assert json.loads(one.place.config.read_text())["broker_ca"] == "broker-ca.pem"
