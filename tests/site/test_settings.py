"""The environment: good defaults, and one clear line for a bad value."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)


def manage(home: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a management command with this environment alone."""
    kept = {k: v for k, v in os.environ.items() if k not in OWN and "DOCKERNET" not in k}
    return subprocess.run(
        [sys.executable, "manage.py", *argv],
        cwd=ROOT,
        env={**kept, "DOCKERNET_HOME": str(home), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


SHOW = "from django.conf import settings as s; print(({}))"


def shown(home: Path, expression: str, **env: str) -> str:
    result = manage(home, "shell", "-v0", "-c", SHOW.format(expression), **env)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "oracle://x"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:hunter2hunter2"),
        ("DOCKERNET_PUBLIC_URL", "example.com"),
        ("DOCKERNET_PUBLIC_URL", "http://a b"),
        ("DOCKERNET_PUBLIC_URL", "http://x;rm -rf"),
        ("DOCKERNET_PUBLIC_URL", "http://x:99999"),
        ("DOCKERNET_BROKER_PUBLIC_URL", "tcp://x"),
        ("DOCKERNET_DEBUG", "perhaps"),
        ("DOCKERNET_JOB_EXPIRES_S", "soon"),
        ("DOCKERNET_JOB_EXPIRES_S", "0"),
        ("DOCKERNET_LOG_LEVEL", "chatty"),
        ("DOCKERNET_REQUIRE_MFA", "admin,king"),
        ("DOCKERNET_TRUSTED_PROXIES", "many"),
        ("DOCKERNET_PROXY_ADDRESSES", "proxy.example.com"),
        ("DOCKERNET_PROXY_ADDRESSES", "127.0.0.1,10.0.0.1/8"),
        ("DOCKERNET_SESSION_IDLE_S", "1"),
        ("DOCKERNET_OIDC_URL", "https://id.example.com"),
        ("DOCKERNET_OIDC_URL", "id.example.com"),
        ("DOCKERNET_OIDC_ROLE", "king"),
        ("SECRET_KEY", "short"),
        ("DOCKERNET_HOME", "/dev/null/x"),
    ],
)
def test_it_says_in_one_line_what_is_wrong(tmp_path: Path, name: str, value: str) -> None:
    result = manage(tmp_path, "check", **{name: value})
    assert result.returncode not in (0, -11)
    [line] = result.stderr.strip().splitlines()
    assert line.startswith("dockernet: ")
    assert name in line
    assert "hunter2" not in line


def test_it_makes_its_own_secret_key_and_keeps_it(tmp_path: Path) -> None:
    first = shown(tmp_path, "s.SECRET_KEY")
    assert len(first) >= 50
    assert shown(tmp_path, "s.SECRET_KEY") == first
    path = tmp_path / "secret_key"
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("")
    assert "secret_key" in manage(tmp_path, "check").stderr


def test_it_is_safe_by_default(tmp_path: Path) -> None:
    assert shown(tmp_path, "s.DEBUG, s.SESSION_COOKIE_HTTPONLY, s.REDIS_URL") == "(False, True, '')"
    secure = "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.ALLOWED_HOSTS[-1]"
    assert shown(tmp_path, secure) == "(False, False, '127.0.0.1')"
    url = {"DOCKERNET_PUBLIC_URL": "https://net.example.com"}
    assert shown(tmp_path, secure, **url) == "(True, True, 'net.example.com')"


def test_it_reads_the_addresses_of_proxies(tmp_path: Path) -> None:
    expression = "[str(n) for n in s.DOCKERNET_PROXY_ADDRESSES]"
    assert shown(tmp_path, expression) == "['127.0.0.1/32', '::1/128']"
    given = {"DOCKERNET_PROXY_ADDRESSES": "10.0.0.5, 2001:db8::/32,"}
    assert shown(tmp_path, expression, **given) == "['10.0.0.5/32', '2001:db8::/32']"


def test_it_uses_sqlite_with_a_write_ahead_log(tmp_path: Path) -> None:
    code = (
        "from django.db import connection as c; k = c.cursor(); "
        "print(c.vendor, k.execute('PRAGMA journal_mode').fetchone()[0], "
        "k.execute('PRAGMA synchronous').fetchone()[0], c.transaction_mode)"
    )
    result = manage(tmp_path, "shell", "-v0", "-c", code)
    assert result.stdout.split() == ["sqlite", "wal", "2", "IMMEDIATE"]
    assert (tmp_path / "dockernet.sqlite3").exists()


def test_it_finds_the_broker_of_a_site_that_runs(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "site_url").write_text("redis://site:x@127.0.0.1:6390/0")
    assert shown(tmp_path, "s.REDIS_URL") == "redis://site:x@127.0.0.1:6390/0"
    other = {"REDIS_URL": "rediss://elsewhere:6379/1"}
    assert shown(tmp_path, "s.REDIS_URL", **other) == "rediss://elsewhere:6379/1"


def test_it_says_in_one_line_that_the_database_is_away(tmp_path: Path) -> None:
    away = {"DATABASE_URL": "postgres://u:p@127.0.0.1:1/x"}
    refused = manage(tmp_path, "user", "ann", "--role", "admin", **away)
    assert refused.returncode != 0
    assert "does not answer" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_leaves_nothing_for_djangos_check_of_a_production_site(tmp_path: Path) -> None:
    url = {"DOCKERNET_PUBLIC_URL": "https://net.example.com"}
    result = manage(tmp_path, "check", "--deploy", "--fail-level", "INFO", **url)
    assert (result.returncode, result.stderr) == (0, "")
    secure = "s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SECURE_SSL_REDIRECT"
    wanted = "('__Host-dockernet_session', '__Host-dockernet_csrf', True)"
    assert shown(tmp_path, secure, **url) == wanted


def test_it_refuses_a_provider_that_others_could_pretend_to_be(tmp_path: Path) -> None:
    named = {"DOCKERNET_OIDC_CLIENT_ID": "x", "DOCKERNET_OIDC_CLIENT_SECRET": "hunter2"}
    url = {"DOCKERNET_OIDC_URL": "http://id.example.com"}
    refused = manage(tmp_path, "check", **named, **url)
    assert "DOCKERNET_OIDC_URL must start with https://" in refused.stderr
    assert "hunter2" not in refused.stderr
    assert manage(tmp_path, "check", **named, DOCKERNET_OIDC_URL="https://id.x").returncode == 0
