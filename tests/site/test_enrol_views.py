"""The HTTP ends of enrolment: a script for everyone, an archive for a token, once."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from hosts.bundle import enroll_command
from hosts.models import EnrolmentToken, Host
from hosts.services import host_create
from people.models import User


@pytest.fixture(autouse=True)
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one small wheel in the place of the real ones."""
    with zipfile.ZipFile(tmp_path / "thing-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("thing/__init__.py", "name = 'thing'\n")
    monkeypatch.setenv("DOCKERNET_AGENT_WHEELS", str(tmp_path))
    return tmp_path


@pytest.fixture
def token(people: dict[str, User], broker: object) -> str:
    """The token of a host h9 that is pending."""
    _, line = host_create(user=people["admin"], name="h9")
    return line.rsplit(" ", 1)[1]


def redeem(client: Client, token: str, **headers: str) -> tuple[int, bytes]:
    answer = client.post("/enroll/redeem", headers={"Authorization": f"Bearer {token}", **headers})
    return answer.status_code, answer.content


def pending() -> bool:
    host = Host.objects.get(name="h9")
    return (host.enrolled_at, host.secret, host.broker_digest) == (None, "", "")


def test_the_script_is_for_everyone_and_is_python(client: Client) -> None:
    answer = client.get("/enroll/install.py")
    assert answer.status_code == 200
    compile(answer.content, "install.py", "exec")
    assert client.post("/enroll/install.py").status_code == 405


def test_the_archive_has_program_libraries_and_the_hosts_own_configuration(token: str) -> None:
    status, content = redeem(Client(enforce_csrf_checks=True), token)
    assert status == 200
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        names = tar.getnames()
        assert len(names) == len(set(names))
        assert {"lib/thing/__init__.py", "lib/netops/wire.py"} <= set(names)
        assert "lib/netops/agent/__main__.py" in names
        assert "lib/netops/agent/service_files/keep-running" in names
        assert not [n for n in names if "models" in n or "/site" in n or "__pycache__" in n]
        file = tar.extractfile("agent.json")
        assert file is not None
        config = json.load(file)
    host = Host.objects.get(name="h9")
    assert (config["host_id"], config["secret"]) == (host.pk, host.secret)
    assert f"h-{host.pk}:" in config["broker_url"]
    assert not pending()


def test_two_hosts_get_the_same_program_but_not_the_same_secret(
    client: Client, people: dict[str, User], broker: object
) -> None:
    archives = []
    for name in ("h1", "h2"):
        _, line = host_create(user=people["admin"], name=name)
        archives.append(redeem(client, line.rsplit(" ", 1)[1])[1])
    shared = len(archives[0]) - 2000
    assert archives[0][:shared] == archives[1][:shared]
    assert archives[0] != archives[1]


def test_a_token_works_once(client: Client, token: str) -> None:
    assert redeem(client, token)[0] == 200
    secret = Host.objects.get(name="h9").secret
    status, words = redeem(client, token)
    assert (status, words) == (
        403,
        b"This enrolment token was used already. Ask an admin for a new line.\n",
    )
    assert Host.objects.get(name="h9").secret == secret


def test_a_token_that_is_old_unknown_or_missing_lets_nobody_in(client: Client, token: str) -> None:
    digest = hashlib.sha256(token.encode()).hexdigest()
    old = timezone.now() - timedelta(seconds=1)
    EnrolmentToken.objects.filter(digest=digest).update(expires_at=old)
    assert redeem(client, token) == (
        403,
        b"This enrolment token is too old. Ask an admin for a new line.\n",
    )
    assert b"unknown" in redeem(client, "x")[1]
    assert redeem(client, "")[0] == 403
    assert client.post("/enroll/redeem").status_code == 403
    assert client.get("/enroll/redeem").status_code == 405
    assert pending()


def test_a_site_without_packages_says_so_and_keeps_the_token_good(
    client: Client, token: str, wheels: Path
) -> None:
    wheel = next(wheels.glob("*.whl"))
    content = wheel.read_bytes()
    wheel.unlink()
    status, words = redeem(client, token)
    assert status == 503
    assert b"no packages" in words
    assert pending()
    wheel.write_bytes(content)
    assert redeem(client, token)[0] == 200


def test_the_line_says_what_is_wrong_in_one_line() -> None:
    line = enroll_command("http://127.0.0.1:1", "secret-token")
    assert "\n" not in line
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("dockernet: cannot reach http://127.0.0.1:1:")
    assert "Traceback" not in done.stderr
