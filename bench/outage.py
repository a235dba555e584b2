"""How long services are away during a subnet change: Dockernet beside the same by hand.

On a sysv host beside the tutorial's own commands in a shell script, on a systemd host beside a
bare restart with the new bip. Rounds alternate on the same two hosts in one run; published ports
of five containers are asked every 20 ms from outside. Run: `./dockernet bench outage`
"""

from __future__ import annotations

import ipaddress
import json
import statistics
import sys
import time
from itertools import count

from lab import Lab
from lab.check import approve_and_watch, subnet_request
from lab.command import LabProcess
from lab.demo import host_enrol
from lab.host import LabHost
from lab.site import Site, port_pick

ROUNDS = 5
PORTS = [8080 + number for number in range(5)]

# The tutorial as it is typed; the gateway is a host address, or dockerd would not start, and the
# configuration goes to daemon.json where this host's DOCKER_OPTS would not be read.
TUTORIAL = """set -e
service docker status >/dev/null
service docker stop >/dev/null
ip link set dev docker0 down
ip addr del {old} dev docker0
ip addr add {new} dev docker0
ip link set dev docker0 up
echo '{{"bip": "{new}"}}' > /etc/docker/daemon.json
service docker start >/dev/null
while ! docker ps >/dev/null 2>&1; do sleep 0.02; done
"""
BARE_RESTART = """set -e
echo '{{"bip": "{new}"}}' > /etc/docker/daemon.json
systemctl reset-failed docker.service
systemctl restart docker.service
"""


class Probe:
    """The prober in the lab's outside, for one host."""

    def __init__(self, lab: Lab, host: LabHost) -> None:
        argv = [sys.executable, "-m", "bench.probe", str(host.address), *map(str, PORTS)]
        self.process: LabProcess = lab.segment.popen_outside(argv, stdin=-1, stdout=-1, text=True)

    def ask(self, word: str) -> dict[str, float]:
        """Send "mark" or "report" and return the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer: dict[str, float] = json.loads(self.process.stdout.readline())
        return answer

    def settled(self) -> float:
        """Wait until every port has answered for a second and return how long any was away."""
        failed, since = -1.0, time.monotonic()
        deadline = since + 60
        while time.monotonic() - since < 1.0:
            if time.monotonic() > deadline:
                raise SystemExit("a published port did not come back within 60 s")
            now = self.ask("report")["failed"]
            if now != failed:
                failed, since = now, time.monotonic()
            time.sleep(0.05)
        return self.ask("report")["away_s"]


def current(host: LabHost) -> str:
    """docker0's address with its prefixlen."""
    shown = json.loads(host.run(["ip", "-j", "-4", "addr", "show", "docker0"]).stdout)
    first = shown[0]["addr_info"][0]
    return f"{first['local']}/{first['prefixlen']}"


def by_hand(host: LabHost, probe: Probe, script: str, subnet: ipaddress.IPv4Network) -> float:
    """Run the script for `subnet`; return seconds that services were away."""
    probe.ask("mark")
    new = f"{subnet[1]}/{subnet.prefixlen}"
    host.run(script.format(old=current(host), new=new), timeout=120)
    return probe.settled()


def by_dockernet(
    site: Site, host: LabHost, probe: Probe, subnet: ipaddress.IPv4Network
) -> tuple[float, float]:
    """Change through the site; return seconds away as seen from outside and as the host said."""
    change = subnet_request(site, host, subnet)
    probe.ask("mark")
    if approve_and_watch(site, change) != "succeeded":
        raise SystemExit("the change did not succeed")
    away = probe.settled()
    job = site.clients["alice"].call("GET", f"/changes/{change['id']}")["job"]
    return away, float(job["outage_s"])


def measure(lab: Lab, site: Site, host: LabHost, script: str, name: str) -> None:
    """Alternate both ways on one host and print medians and their ratio."""
    probe = Probe(lab, host)
    fresh = (ipaddress.IPv4Network(f"10.77.{n}.0/24") for n in count(1))
    hand, ours, said = [], [], []
    for _ in range(ROUNDS):
        hand.append(by_hand(host, probe, script, next(fresh)))
        away, told = by_dockernet(site, host, probe, next(fresh))
        ours.append(away)
        said.append(told)
    probe.process.kill()
    ratio = statistics.median(ours) / statistics.median(hand)
    print(f"\noutage, {host.init}, {len(PORTS)} containers, {ROUNDS} rounds each, one run:")
    print(f"  {name:<22} median {statistics.median(hand):.2f} s  {numbers(hand)}")
    print(f"  {'Dockernet':<22} median {statistics.median(ours):.2f} s  {numbers(ours)}")
    print(f"  {'(as the page says it)':<22} median {statistics.median(said):.2f} s")
    print(f"  ratio Dockernet / {name}: {ratio:.2f}\n", flush=True)


def numbers(values: list[float]) -> str:
    """The single values, for a look at the spread."""
    return " ".join(f"{value:.2f}" for value in values)


def main() -> None:
    """Both inits, or those named on the command line."""
    wanted = sys.argv[1:] or ["sysv", "systemd"]
    with Lab() as lab:
        hosts = [getattr(lab, init)(init) for init in wanted]
        with Site(lab.segment, lab.segment.run.folder / "site", port_pick()) as site:
            for host in hosts:
                host.boot()
                host.wait_docker()
                host.load_image()
                for number, port in enumerate(PORTS):
                    host.start_container(f"c{number}", restart="always", publish=[f"{port}:80"])
                host_enrol(site, host)
            for host in hosts:
                script = TUTORIAL if host.init == "sysv" else BARE_RESTART
                name = "tutorial's commands" if host.init == "sysv" else "bare restart"
                measure(lab, site, host, script, name)


if __name__ == "__main__":
    main()
