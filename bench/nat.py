"""A NAT change on four hosts: Dockernet beside ansible-playbook and beside the bare commands.

Wall time for all four at once; rounds alternate on the same hosts in one run. Dockernet's time is
from the approval of four plans to the end of the last job, with packets sent to prove each; that
from the request on, plans included, is told too. Run: `./dockernet bench nat`
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import Lab
from lab.demo import host_enrol
from lab.host import LabHost
from lab.site import Site, port_pick

HOSTS, ROUNDS = 4, 5
SUBNET = "172.17.0.0/16"
HERE = Path(__file__).parent / "ansible"
BARE = f"""iptables -t nat -N BENCH-POSTROUTING
iptables -t nat -A BENCH-POSTROUTING -s {SUBNET} ! -o docker0 -m comment --comment bench \\
  -j MASQUERADE
iptables -t nat -I POSTROUTING 1 -m comment --comment bench -j BENCH-POSTROUTING"""
CLEAN = """iptables -t nat -D POSTROUTING -m comment --comment bench -j BENCH-POSTROUTING
iptables -t nat -F BENCH-POSTROUTING && iptables -t nat -X BENCH-POSTROUTING"""


def timed(work: Callable[[], None]) -> float:
    """Seconds that `work` takes."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


class Dockernet:
    """Requests, approvals and jobs on all hosts, through the API."""

    def __init__(self, site: Site, hosts: list[LabHost], pool: ThreadPoolExecutor) -> None:
        self.site, self.hosts, self.pool = site, hosts, pool
        self.planned: list[dict[str, Any]] = []

    def plan(self, mode: str) -> None:
        """Ask every host for a plan and wait for all."""
        alice = self.site.clients["alice"]

        def one(host: LabHost) -> dict[str, Any]:
            body = {
                "host": host.name,
                "kind": "nat",
                "spec": {"subnet": SUBNET, "mode": mode},
                "reason": "bench",
            }
            made = alice.call("POST", "/changes", body)
            path = f"/changes/{made['id']}"
            seen: dict[str, Any] = alice.wait(path, lambda c: c["state"] != "planning", "the plan")
            if seen["state"] != "awaiting_approval":
                raise SystemExit(f"{host.name}: the plan is {seen['state']}")
            return seen

        self.planned = list(self.pool.map(one, self.hosts))

    def carry_out(self) -> None:
        """Approve every plan and wait for the end of every job."""

        def one(change: dict[str, Any]) -> None:
            digest = {"plan_digest": change["plan"]["digest"]}
            self.site.clients["bob"].call("POST", f"/changes/{change['id']}/approve", digest)
            *_, end = self.site.clients["alice"].events(change["id"])
            if end["state"] != "succeeded":
                raise SystemExit(f"change {change['id']} ended as {end['state']}")

        list(self.pool.map(one, self.planned))


def playbook(hosts: list[LabHost], folder: Path) -> Callable[[], None]:
    """What runs the play on all hosts at once."""
    inventory = {"all": {"hosts": {h.name: _variables(h) for h in hosts}}}
    (folder / "hosts.json").write_text(json.dumps(inventory))
    argv = [str(Path(sys.executable).parent / "ansible-playbook")]
    argv += [
        "--inventory",
        str(folder / "hosts.json"),
        "--forks",
        str(HOSTS),
        str(HERE / "nat.yml"),
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
    }

    def play() -> None:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the play failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")

    return play


def _variables(host: LabHost) -> dict[str, Any]:
    return {
        "ansible_connection": "lab",
        "ansible_python_interpreter": "/usr/bin/python3",
        "lab_enter": host.enter_argv([]),
    }


def everywhere(pool: ThreadPoolExecutor, hosts: list[LabHost], script: str) -> None:
    """Run a script on all hosts at once."""
    list(pool.map(lambda host: host.run(script), hosts))


def main() -> None:
    """Boot the hosts, measure in turns, print the ratios."""
    times: dict[str, list[float]] = {"job": [], "request": [], "ansible": [], "bare": []}
    with Lab() as lab, ThreadPoolExecutor(HOSTS) as pool, tempfile.TemporaryDirectory() as folder:
        hosts: list[LabHost] = [
            lab.sysv(f"nat{n}", daemon_json={"iptables": False}) for n in range(HOSTS)
        ]
        lab.boot()
        with Site(lab.segment, lab.segment.run.folder / "site", port_pick()) as site:
            for host in hosts:
                host_enrol(site, host)
            ours, play = Dockernet(site, hosts, pool), playbook(hosts, Path(folder))
            for _ in range(ROUNDS):
                planning = timed(lambda: ours.plan("masquerade"))
                job = timed(ours.carry_out)
                times["job"].append(job)
                times["request"].append(planning + job)
                ours.plan("none")
                ours.carry_out()
                times["ansible"].append(timed(play))
                everywhere(pool, hosts, CLEAN)
                times["bare"].append(timed(lambda: everywhere(pool, hosts, BARE)))
                everywhere(pool, hosts, CLEAN)
    report(times)


def report(times: dict[str, list[float]]) -> None:
    """Print medians and ratios."""
    middle = {name: statistics.median(values) for name, values in times.items()}
    print(f"A NAT change on {HOSTS} hosts, median of {ROUNDS} rounds, all hosts at once:")
    words = {
        "job": "Dockernet, approval to the end of the last job, proved",
        "request": "Dockernet, from the request on, plans included",
        "ansible": "ansible-playbook, the same rules, unproved",
        "bare": "bare iptables in a shell, unproved",
    }
    for name, text in words.items():
        print(f"  {text:<56} {middle[name]:6.2f} s")
    print(f"  ratio Dockernet / ansible-playbook: {middle['job'] / middle['ansible']:.2f}")
    print(f"  ratio Dockernet / bare commands:    {middle['job'] / middle['bare']:.1f}")


if __name__ == "__main__":
    main()
