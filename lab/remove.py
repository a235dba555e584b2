"""Removing runs whose owner process has died, from what they recorded in their folders."""

from __future__ import annotations

import json
from pathlib import Path

from lab.cgroups import cgroups_remove
from lab.command import LabError, run
from lab.enter import host_kill
from lab.process import ProcessId, processes_naming
from lab.segment import netns_remove
from lab.state import LabRun, locked, runs_list


def runs_remove_dead(*, base: Path) -> list[str]:
    """Remove each run whose owner process is dead; returns the ids. Others are left alone.

    Raises:
        LabError: something of a dead run resists; its folder stays for another try, and the
            other dead runs are removed all the same.
    """
    removed, failed = [], []
    with locked(base):
        for lab_run in runs_list(base=base):
            if lab_run.owner.alive():
                continue
            try:
                run_remove(lab_run)
                removed.append(lab_run.run_id)
            except (LabError, OSError) as error:
                failed.append(f"{lab_run.run_id}: {error}")
    if failed:
        raise LabError("cannot remove all of an earlier run: " + "; ".join(failed))
    return removed


def run_remove(lab_run: LabRun) -> None:
    """Remove all of one run: processes, cgroups, namespaces, links, and last its folder.

    The mounts are all in the namespaces of the hosts, so they go with their processes.
    """
    for process in processes_naming(lab_run.folder):
        process.kill()
    for record in sorted(lab_run.folder.glob("hosts/*/host.json")):
        data = json.loads(record.read_text())
        cgroups = [Path(folder) for folder in data["cgroups"]]
        if data["pid1"]:
            host_kill(ProcessId(*data["pid1"]), cgroups)
        cgroups_remove(cgroups)
    for name in _names(["ip", "-j", "netns", "list"], "name"):
        if name.startswith(lab_run.prefix):
            netns_remove(name)
    for name in _names(["ip", "-j", "link", "show"], "ifname"):
        if name.startswith(lab_run.prefix):
            run(["ip", "link", "del", name], check=False)
    lab_run.forget()


def _names(argv: list[str], key: str) -> list[str]:
    return [entry[key] for entry in json.loads(run(argv).stdout or "[]")]
