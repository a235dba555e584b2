"""The firewall of dockerd's family, read and written, for `ports.FirewallPort`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import evolve, frozen

from netops.engine.adapters import firewall_legacy
from netops.engine.adapters.command import PATH
from netops.engine.adapters.firewall_read import (
    family,
    foreign_rules,
    front_ends,
    other_nat,
    program_of,
    save,
)
from netops.engine.adapters.firewall_restore import rules_restore
from netops.engine.adapters.nft_table import nft_table_delete
from netops.engine.adapters.process import find
from netops.engine.errors import OperationFailed
from netops.engine.nat.edits import Edit
from netops.engine.nat.ruleset import EMPTY, Table, lines_of, tables_of
from netops.engine.observed import Firewall
from netops.engine.ports import DockerApi

LEGACY, NFT = "legacy", "nft"
MOST_RULES = 3000


@frozen
class _Binary:
    path: str
    family: str
    version: str


class LinuxFirewall:
    """Uses the family of the iptables that dockerd itself would run, and no other.

    On an nft host rules are set by iptables-restore, on a legacy host by python-iptables where it
    is installed. Where Docker keeps its own rules in nftables, ours are set by iptables all the
    same and its tables are left alone.

    Args:
        docker: asked for its firewall backend and its bridges.
        find_pid: returns dockerd's pid, whose PATH decides on the binary.
    """

    def __init__(self, docker: DockerApi, find_pid: Callable[[], int | None]) -> None:
        self._docker = docker
        self._find_pid = find_pid

    def observe(self) -> Firewall:
        """Return family, version and rules; backend "" when there is no iptables."""
        binary = self._binary()
        if binary is None:
            return Firewall("", front_ends=front_ends())
        saved = save(binary.path, binary.family)
        tables = tables_of(saved)
        firewall = Firewall(
            binary.family,
            binary.version,
            foreign_rules(saved, self._bridges()),
            tables=tuple(tables),
            forward=_forward(tables.get("filter", EMPTY)),
            other_nat=other_nat(binary.path, binary.family),
            front_ends=front_ends(),
        )
        if self._docker.daemon().firewall_backend.startswith("nftables"):
            firewall = evolve(firewall, backend="docker-nftables")
        return _with_nat(firewall, tables.get("nat", EMPTY))

    def saved(self) -> str:
        """Return what iptables-save of the family prints. Raises OperationFailed if it cannot."""
        binary = self._required()
        return save(binary.path, binary.family)

    def family(self) -> str:
        """Return "nft" or "legacy", "" where there is no iptables."""
        binary = self._binary()
        return binary.family if binary else ""

    def edit(self, edits: Mapping[str, Sequence[Edit]]) -> None:
        """Make the edits of each table, one atomic commit a table. Raises OperationFailed."""
        binary = self._required()
        if binary.family == LEGACY and firewall_legacy.available():
            firewall_legacy.rules_set(edits)
        else:
            rules_restore(program_of(binary.path, binary.family, "restore"), edits)

    def remove_empty(self, table: str) -> None:
        """Remove a table without rules; the legacy kernel keeps every table that it once made."""
        if self._required().family == NFT:
            nft_table_delete(table, lambda: _is_bare(tables_of(self.saved()).get(table)))

    def _required(self) -> _Binary:
        binary = self._binary()
        if binary is None:
            raise OperationFailed("There is no iptables on this host.", "apt install iptables")
        return binary

    def _binary(self) -> _Binary | None:
        pid = self._find_pid()
        process = find(pid) if pid else None
        path = process.environment().get("PATH", "") if process else ""
        binary = shutil.which("iptables", path=path or PATH)
        backend, version = family(binary) if binary else ("", "")
        return _Binary(str(Path(binary)), backend, version) if binary and backend else None

    def _bridges(self) -> set[str]:
        try:
            return {n.bridge for n in self._docker.networks() if n.bridge}
        except OperationFailed:
            return set()


def _forward(table: Table) -> tuple[str, ...]:
    return lines_of(table, ["FORWARD", *table.own_chains])


def _with_nat(firewall: Firewall, table: Table) -> Firewall:
    """The whole table, unless it is so long that no plan may be made on it."""
    left_out = max(0, len(table.rules) - MOST_RULES)
    kept = Table(table.policies, table.rules[:MOST_RULES])
    return evolve(firewall, nat=lines_of(kept), left_out=left_out)


def _is_bare(table: Table | None) -> bool:
    return table is not None and not table.rules and set(table.policies.values()) <= {"ACCEPT"}
