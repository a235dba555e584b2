"""dockerd's iptables family, and the rules in it that are not Docker's (iptables-save(8))."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from netops.engine.adapters.command import PATH, run
from netops.engine.adapters.process import find
from netops.engine.errors import OperationFailed
from netops.engine.observed import Firewall
from netops.engine.ports import DockerApi

_RUN_S = 10.0
_TABLES = ("filter", "nat")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_MASQUERADE = re.compile(r"-s \S+ ! -o (\S+) -j (?:MASQUERADE|SNAT\b)")
_HAIRPIN = re.compile(r"-s (\S+) -d \1 -p \w+ -m \w+ --dport \d+ -j MASQUERADE")


class FirewallRead:
    """Reads the firewall as dockerd sees it, for `ports.FirewallReader`.

    Args:
        docker: asked for its firewall backend and its bridges.
        find_pid: returns dockerd's pid, whose PATH decides on the binary.
    """

    def __init__(self, docker: DockerApi, find_pid: Callable[[], int | None]) -> None:
        self._docker = docker
        self._find_pid = find_pid

    def observe(self) -> Firewall:
        """Return family, version and foreign rules; backend "" when there is no iptables."""
        binary = self._binary()
        backend, version = family(binary) if binary else ("", "")
        rules: tuple[str, ...] = ()
        if binary:
            rules = foreign_rules(save(binary, backend), self._bridges())
        if self._docker.daemon().firewall_backend.startswith("nftables"):
            backend = "docker-nftables"
        return Firewall(backend, version, rules)

    def _binary(self) -> str | None:
        pid = self._find_pid()
        process = find(pid) if pid else None
        path = process.environment().get("PATH", "") if process else ""
        return shutil.which("iptables", path=path or PATH)

    def _bridges(self) -> set[str]:
        try:
            return {n.bridge for n in self._docker.networks() if n.bridge}
        except OperationFailed:
            return set()


def family(binary: str) -> tuple[str, str]:
    """Return ("nft" or "legacy", version) of an iptables binary; ("", "") if it does not run.

    `iptables -V` names the family from 1.8 on; before that there was only legacy.
    """
    try:
        output = run([binary, "-V"], _RUN_S).output
    except OperationFailed:
        return "", ""
    found = re.search(r"v(\d[\w.]*)", output)
    if found is None:
        return "", ""
    return "nft" if "nf_tables" in output else "legacy", found[1]


def save(binary: str, backend: str) -> str:
    """Return what iptables-save of the same family prints; "" when it cannot be run.

    Without -t: it then lists the tables that exist, and naming one would make it appear.
    """
    folder = Path(binary).parent
    for name in (f"iptables-{backend}-save", "iptables-save"):
        if not (folder / name).exists():
            continue
        try:
            return run([str(folder / name)], _RUN_S, errors_too=False).output
        except OperationFailed:
            return ""
    return ""


def foreign_rules(saved: str, bridges: set[str]) -> tuple[str, ...]:
    """Return the rules of filter and nat in `saved` that name an IPv4 address and are not Docker's.

    Each as `-t TABLE -A CHAIN ...`, in order. Docker's own: those in its chains (not DOCKER-USER,
    which is the administrator's), jumps to them, and the MASQUERADE of its `bridges`.
    """
    found, table = [], ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A ") and table in _TABLES and _names_address(line, bridges):
            found.append(f"-t {table} {line.strip()}")
    return tuple(found)


def _names_address(line: str, bridges: set[str]) -> bool:
    return bool(_IPV4.search(line)) and not _is_dockers(line, bridges)


def _is_dockers(line: str, bridges: set[str]) -> bool:
    chain = line.split()[1]
    if chain.startswith("DOCKER"):
        return chain != "DOCKER-USER"
    if re.search(r" -[jg] DOCKER(?!-USER\b)", line):
        return True
    masquerade = _MASQUERADE.search(line)
    if masquerade:
        bridge = masquerade[1]
        known = bridge in bridges or bridge == "docker0" or re.fullmatch(r"br-[0-9a-f]{12}", bridge)
        return bool(known)
    return chain == "POSTROUTING" and bool(_HAIRPIN.search(line))
