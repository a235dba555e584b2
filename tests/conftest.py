"""For every test: what is skipped for want of root is said, and in CI it is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_django
from django.utils import translation

# One browser a session: a second one cannot be started while the first runs.
from tests.browser.fixtures import chromium, pictures
from tests.drawn import drawn_deselect, drawn_line
from tests.engines import engines_deselect, engines_line

__all__ = ["chromium", "pictures"]

HERE = Path(__file__).parent
# Folders of tests that boot real hosts, or make network namespaces.
NEEDS_ROOT = ("root", "path", "kernel", "faults/hosts")
DRAWN = pytest.StashKey[list[str]]()
NO_SKIPS = bool(os.environ.get("DOCKERNET_NO_SKIPS"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --postgres, and what the tests on hosts can be asked for."""
    parser.addoption("--postgres", action="store_true", help="use a throw-away PostgreSQL")
    parser.addoption("--all-engines", action="store_true", help="hosts of every Debian release")
    parser.addoption("--all-faults", action="store_true", help="every fault, not a selection")
    parser.addoption(
        "--write-reliability", action="store_true", help="write docs/reliability.md at the end"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Away from the database and the broker of a site that may run here."""
    from django.conf import settings

    settings.REDIS_URL = ""
    if config.getoption("--postgres"):
        from tests.site.postgres import ThrowAwayPostgres, use_database

        server = ThrowAwayPostgres()
        config.add_cleanup(server.stop)
        server.start()
        use_database(server.url)


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """No test speaks the language that the one before it asked for."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite in a file, as in real life: one in memory knows no second connection."""
    from django.db import connections

    config = connections.settings["default"]
    if config["ENGINE"].endswith("sqlite3"):
        config["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        # No test cuts this machine's power.
        config["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;"


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> None:
    """SQLite: let a test with real transactions empty the audit log behind itself.

    Django does it with DELETE there, row by row, which the log refuses (PostgreSQL: TRUNCATE).
    """
    from django.db import connection

    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER IF EXISTS audit_entry_no_delete")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was drawn, where there were tests of several cases."""
    for line in terminalreporter.config.stash.get(DRAWN, []):
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what boots real hosts, and skip it with a reason when this is not root."""
    lines = config.stash.setdefault(DRAWN, [])
    if engines_deselect(config, items):
        lines.append(engines_line())
    if drawn_deselect(config, items):
        lines.append(drawn_line())
    reason = pytest.mark.skip(reason="needs root and real Docker hosts: run as root")
    for item in items:
        if any(item.path.is_relative_to(HERE / folder) for folder in NEEDS_ROOT):
            item.add_marker(pytest.mark.root)
            if os.geteuid() != 0:
                item.add_marker(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn a skip into a failure where none is allowed (CI)."""
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and nothing may be skipped here"
    return report
