"""What an idle agent costs its host: memory, processor time, commands to the broker.

Run: `./dockernet bench agent [SECONDS]`. Ratios are to the limits that the project set itself.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import redis

from lab import Lab
from lab.demo import host_enrol, host_prepare
from lab.host import LabHost
from lab.site import Site, port_pick

LIMIT_MB, LIMIT_PER_5_S = 80.0, 1.0
TICKS = os.sysconf("SC_CLK_TCK")


def agent_pids(host: LabHost) -> list[int]:
    """The pids, in the root namespace, of every process of the agent's service."""
    found = []
    mine = Path(f"/proc/{host.pid1}/ns/pid").readlink()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            same = (folder / "ns/pid").readlink() == mine
        except OSError:
            continue
        if same and any(b"dockernet" in word for word in words):
            found.append(int(folder.name))
    return found


def resident_mb(pid: int) -> float:
    """VmRSS of a process in MB (proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def broker_watch(site: Site, seconds: float) -> dict[str, list[str]]:
    """The commands that each host sent in that time, as the broker's MONITOR shows them."""
    seen: dict[str, list[str]] = {}
    end = time.monotonic() + seconds
    with redis.Redis.from_url(site.broker_url()).monitor() as monitor:
        while time.monotonic() < end:
            if not monitor.connection.can_read(timeout=0.2):
                continue
            entry = monitor.next_command()
            seen.setdefault(entry["client_address"], []).append(entry["command"])
    return seen


def report(site: Site, host: LabHost, seconds: float, cpu: float, sent: list[str]) -> bool:
    """Print one host's figures with their ratios to the limits; True if all are kept."""
    pids = agent_pids(host)
    mb = sum(map(resident_mb, pids))
    beats = sum(command.upper().startswith("XADD") for command in sent)
    per_5_s = (len(sent) - beats) * 5 / seconds
    print(f"\nidle agent, {host.init} host, {seconds:.0f} s, processes: {len(pids)}")
    print(f"  resident         {mb:.1f} MB, {mb / LIMIT_MB:.2f} of the limit of 80 MB")
    print(
        f"  broker commands  {per_5_s:.2f} in 5 s beside {beats} heartbeats, "
        f"{per_5_s / LIMIT_PER_5_S:.2f} of the limit of 1"
    )
    print(f"  processor        {cpu:.2f} s, {100 * cpu / seconds:.2f} % of one core", flush=True)
    for words in sorted({command.split(" ")[0] for command in sent}):
        print(f"    {words}: {sum(c.split(' ')[0] == words for c in sent)}")
    return mb <= LIMIT_MB and per_5_s <= LIMIT_PER_5_S


def main() -> None:
    """Boot a sysv and a systemd host, let their agents idle, measure both."""
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    with Lab() as lab:
        hosts = [lab.sysv("sysv"), lab.systemd("systemd")]
        with Site(lab.segment, lab.segment.run.folder / "site", port_pick()) as site:
            for host in hosts:
                host_prepare(host)
                host_enrol(site, host)
            time.sleep(15)  # The start's own observations are no idling.
            before = {host.name: sum(map(cpu_s, agent_pids(host))) for host in hosts}
            seen = broker_watch(site, seconds)
            kept = []
            for host in hosts:
                cpu = sum(map(cpu_s, agent_pids(host))) - before[host.name]
                sent = seen.get(str(host.address), [])
                kept.append(report(site, host, seconds, cpu, sent))
    raise SystemExit(not all(kept))


if __name__ == "__main__":
    main()
