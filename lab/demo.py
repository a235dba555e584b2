"""`./dockernet demo`: real Docker hosts and the whole site on this machine; Ctrl-C ends it all."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lab.check import check
from lab.command import LabError
from lab.host import LabHost
from lab.lab import Lab
from lab.site import Site, port_free

POLICIES = {"web": "always", "api": "unless-stopped", "worker": "on-failure", "batch": "no"}


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def demo(hosts: int, port: int, checking: bool) -> None:
    """Boot everything, then wait for Ctrl-C, or do the main job and prove it.

    Raises:
        LabError: something could not be started, or (with `checking`) did not hold.
    """
    begun = time.monotonic()
    with Lab() as lab:
        say("Preparing the hosts' disks (the first time this takes a minute).")
        for number in range(1, hosts + 1):
            # Odd hosts have sysv init, even ones systemd, so that both are there to see.
            make = lab.systemd if number % 2 == 0 else lab.sysv
            make(f"host{number}")
        say(f"Booting {hosts} Docker hosts and the site.")
        with Site(lab.segment, lab.segment.run.folder / "site", port) as site:
            with ThreadPoolExecutor(max_workers=4) as pool:
                list(pool.map(host_prepare, lab.hosts.values()))
            for host in lab.hosts.values():
                host_enrol(site, host)
            say(f"Ready after {time.monotonic() - begun:.0f} s.\n")
            if checking:
                check(lab, site)
            else:
                invite(site, list(lab.hosts.values()))
                wait_for_signal()
        say("Taking everything down.")


def host_prepare(host: LabHost) -> None:
    """Boot a host and start four containers, one of each restart policy."""
    host.boot()
    host.wait_docker()
    host.load_image()
    for number, (name, policy) in enumerate(POLICIES.items()):
        publish = [f"{8080 + number}:80"] if policy != "no" else []
        host.start_container(name, restart=policy, publish=publish)
    say(f"  {host.name} ({host.init}) is up at {host.address} with {len(POLICIES)} containers.")


def host_enrol(site: Site, host: LabHost) -> None:
    """Register a host with the site and run the one line that the site gives for it."""
    admin = site.clients["admin"]
    answer = admin.call("POST", "/hosts", {"name": host.name, "environment": "demo"})
    host.run(answer["enroll_command"], timeout=120)
    admin.wait(
        f"/hosts/{host.name}",
        lambda seen: seen["status"] == "online" and seen["observed_at"],
        f"{host.name} to report",
    )
    say(f"  {host.name} is enrolled and has reported.")


def invite(site: Site, hosts: list[LabHost]) -> None:
    """Print the address, the passwords and what to click."""
    first = hosts[0].name
    say(f"Dockernet runs at  {site.url}\n")
    say("  user    password          role")
    roles = {"alice": "operator: asks", "bob": "approver: decides", "carol": "viewer: looks"}
    for name, password in site.passwords.items():
        say(f"  {name:<7} {password:<17} {roles.get(name, 'admin')}")
    say(f"""
Try it:
  1. Log in as alice, open the host {first}, choose "Request a change",
     type 192.168.225.0/24 and a reason, and ask for a plan.
  2. In a private window log in as bob, open the change under "My work",
     read the plan that {first} made, and approve it.
  3. Watch the steps on that page; the host page then shows the new subnet.
  Look into a host:  python3 -m lab exec {first} -- ip addr show docker0

Ctrl-C takes everything down.""")


def wait_for_signal() -> None:
    """Return at Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


def main() -> int:
    """Return the exit code: 0 held, 1 did not, 2 something a user can mend."""
    parser = argparse.ArgumentParser(prog="./dockernet demo")
    parser.add_argument("--hosts", type=int, default=2, metavar="N")
    parser.add_argument("--port", type=int, default=8000, metavar="P")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if not 1 <= args.hosts <= 20:
        parser.error("--hosts takes a number from 1 to 20")
    if not 1 <= args.port <= 65535:
        parser.error("--port takes a number from 1 to 65535")
    if not port_free(args.port):
        print(f"dockernet: port {args.port} is in use; choose another with --port", file=sys.stderr)
        return 2
    try:
        demo(args.hosts, args.port, args.check)
    except LabError as error:
        print(f"dockernet demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dockernet demo: stopped; everything was taken down.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
