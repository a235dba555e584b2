"""The lab by hand: `python3 -m lab up|exec|list`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from lab.command import LabError
from lab.enter import enter_argv
from lab.lab import Lab
from lab.process import ProcessId
from lab.state import base_folder, runs_list


def main(argv: list[str] | None = None) -> int:
    """Run one command; 2 and one line when the lab cannot do it."""
    args = _parser().parse_args(argv)
    try:
        return int(args.action(args))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="boot hosts and keep them until Ctrl-C")
    up.add_argument("--sysv", type=int, default=1, metavar="N")
    up.add_argument("--systemd", type=int, default=0, metavar="N")
    up.add_argument("--release", metavar="NAME", help="Debian's: bookworm, trixie, forky")
    up.add_argument("--legacy-iptables", action="store_true")
    up.set_defaults(action=_up)
    enter = commands.add_parser("exec", help="run a command, or a shell, inside a host")
    enter.add_argument("host", help="its name, or the whole one that `list` shows last")
    enter.add_argument("command", nargs=argparse.REMAINDER)
    enter.set_defaults(action=_exec)
    commands.add_parser("list", help="what runs").set_defaults(action=_list)
    return parser


def _up(args: argparse.Namespace) -> int:
    with Lab() as lab:
        options = {"release": args.release, "legacy_iptables": args.legacy_iptables}
        for number in range(1, args.sysv + 1):
            lab.sysv(f"sysv{number}", **options)
        for number in range(1, args.systemd + 1):
            lab.systemd(f"systemd{number}", **options)
        began = time.monotonic()
        lab.boot()
        for host in lab.hosts.values():
            host.load_image()
        print(f"{len(lab.hosts)} hosts up in {time.monotonic() - began:.1f} s")
        print(f"site address {lab.segment.site_address}, outside {lab.segment.router_address}")
        for host in lab.hosts.values():
            print(f"{host.name}  {host.address}  python3 -m lab exec {host.name} -- docker ps")
        print("Ctrl-C takes all of it down", flush=True)
        threading.Event().wait()
    return 0


def _exec(args: argparse.Namespace) -> int:
    records = [one for one in _live_hosts() if args.host in (one["name"], one["namespace"])]
    if not records:
        raise LabError(f"no host named {args.host} runs")
    if len(records) > 1:
        names = " or ".join(record["namespace"] for record in records)
        raise LabError(f"several runs have a host named {args.host}: say {names}")
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    record = records[0]
    cgroups = [Path(folder) for folder in record["cgroups"]]
    full = enter_argv(record["pid1"][0], cgroups, command or ["bash", "-l"])
    os.execvp(full[0], full)


def _list(args: argparse.Namespace) -> int:
    for record in _live_hosts():
        print(f"{record['name']}  {record['init']}  {record['address']}  {record['namespace']}")
    return 0


def _live_hosts() -> list[dict[str, Any]]:
    found = []
    for lab_run in runs_list(base=base_folder()):
        for path in sorted(lab_run.folder.glob("hosts/*/host.json")):
            record = json.loads(path.read_text())
            if record["pid1"] and ProcessId(*record["pid1"]).alive():
                found.append(record)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
