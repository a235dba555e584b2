"""Queries and server time of the lists of the site at 10, 1,000 and 10,000 hosts.

In one process, without network and broker: the whole of Django, from the request to the answer.
Each host has reported 20 containers and has five changes, one in fifty of them one under way.
Run: `./dockernet bench pages [ROUNDS]`; on SQLite, or the empty database that DATABASE_URL names.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from typing import Any

SIZES = (10, 1_000, 10_000)
PAGES = {
    "fleet": "/",
    "fleet, its fragment": "/",
    "fleet, nothing new": "/",
    "fleet, searched": "/?q=icn+web&sort=-containers",
    "fleet, a subnet searched": "/?q=10.2",
    "fleet, in conflict": "/?conflicts=yes&status=online",
    "fleet, by change": "/?sort=-change",
    "fleet, last page by subnet": "/?sort=docker0&page=9999",
    "history": "/changes/",
    "history, its fragment": "/changes/",
    "history, searched": "/changes/?q=icn&sort=host",
    "history of a host": "/hosts/web-icn-0/history/",
}
_CHANGES = 5

Measured = tuple[int, float, float]


def main() -> None:
    """Print a table: a row for each page, queries, milliseconds and (in brackets) those of this
    process's processor time for each size."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as home:
        os.environ["DOCKERNET_HOME"] = home
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dockernet_site.settings")
        os.environ["DOCKERNET_LOG_LEVEL"] = "ERROR"
        import django

        django.setup()
        _prepare()
        found: dict[str, list[Measured]] = {name: [] for name in PAGES}
        made = 0
        for size in SIZES:
            _grow(made, size)
            made = size
            for name, path in PAGES.items():
                found[name].append(_measure(name, path, rounds))
        _tell(found)


def _prepare() -> None:
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from hosts.models import Host

    call_command("migrate", verbosity=0)
    if Host.objects.exists():
        raise SystemExit("DATABASE_URL names a database with hosts in it; give an empty one.")
    setup_test_environment()


def _grow(first: int, size: int) -> None:
    """Add the hosts with these numbers and what belongs to them."""
    from django.db import connection

    from hosts.models import Host, HostSubnet, ReservedRange, Tag
    from hosts.services.conflicts import conflicts_recount
    from netops.engine.serial import to_json
    from netops.models import Change
    from tests.pages import world
    from tests.pages.host_example import observed

    by = world.user("alice", "admin")
    tags = [Tag.objects.get_or_create(name=f"team-{n}")[0] for n in range(20)]
    report = to_json(observed(containers=20))
    ReservedRange.objects.get_or_create(subnet="10.3.0.0/16", label="VPN")
    for start in range(first, size, 500):
        hosts = [_host(Host, number, report) for number in range(start, min(start + 500, size))]
        Host.objects.bulk_create(hosts)
        HostSubnet.objects.bulk_create(
            HostSubnet(
                host=host,
                subnet=host.subnet,
                use="docker0",
                name="bridge",
                low=host.subnet_start,
                high=host.subnet_start + 255,
            )
            for host in hosts
        )
        Host.tags.through.objects.bulk_create(
            Host.tags.through(host=host, tag=tags[n % 20]) for n, host in enumerate(hosts)
        )
        Change.objects.bulk_create(
            _change(Change, h, n, by) for h in hosts for n in range(_CHANGES)
        )
    conflicts_recount()
    if connection.vendor == "postgresql":
        # As its autovacuum would have done; nothing does it for SQLite.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _host(model: Any, number: int, report: Any) -> Any:
    from django.utils import timezone

    now = timezone.now()
    second, third = divmod(number % 65_536, 256)
    return model(
        id=f"{number:012x}",
        name=f"{('web', 'db', 'edge')[number % 3]}-icn-{number}",
        environment=("production", "staging", "test")[number % 3],
        enrolled_at=now,
        last_seen_at=now + timedelta(days=1) if number % 20 else now - timedelta(hours=1),
        observed=report,
        observed_at=now,
        docker_version=f"2{number % 8}.1.{number % 5}",
        subnet=f"10.{second % 64}.{third}.0/24",
        subnet_start=(10 << 24) + (second % 64 << 16) + (third << 8),
        container_count=number % 40,
        service_manager="systemd",
    )


def _change(model: Any, host: Any, number: int, by: Any) -> Any:
    held = number == 0 and int(host.pk, 16) % 50 == 0
    return model(
        host=host,
        kind="subnet",
        spec={"network": "bridge", "subnet": "192.168.225.0/24"},
        reason="The VPN of the Seoul office uses 172.17.0.0/16.",
        state="awaiting_approval" if held else "succeeded",
        requested_by=by,
    )


def _measure(name: str, path: str, rounds: int) -> Measured:
    """Return the queries of a page, and the medians of its time and of the processor's in ms."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from people.models import User

    client = Client()
    client.force_login(User.objects.get(username="alice"))
    if "fragment" in name or "nothing new" in name:
        client.defaults["HTTP_HX_REQUEST"] = "true"
    wanted = 200
    if "nothing new" in name:
        path, wanted = f"{path}?known={client.get(path).context['known']}", 204
    for _ in range(3):
        assert client.get(path).status_code == wanted
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    asked, took = len(queries), []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        client.get(path)
        took.append((time.perf_counter() - begun, time.process_time() - used))
    wall, processor = (statistics.median(times) * 1000 for times in zip(*took, strict=True))
    return asked, wall, processor


def _tell(found: dict[str, list[Measured]]) -> None:
    print("| page | " + " | ".join(f"{size:,} hosts" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for name, measured in found.items():
        cells = " | ".join(f"{n} queries, {ms:.0f} ms ({cpu:.0f})" for n, ms, cpu in measured)
        print(f"| {name} | {cells} |")


if __name__ == "__main__":
    main()
