"""dockerd's iptables family, and the rules in it that are not Docker's (iptables-save(8))."""

from __future__ import annotations

import re
from pathlib import Path

from netops.engine.adapters.command import run
from netops.engine.errors import OperationFailed
from netops.engine.nat.ruleset import EMPTY, tables_of

_RUN_S = 10.0
_MOST_OTHERS = 200
_UFW_ON = re.compile(r"^\s*ENABLED\s*=\s*yes", re.MULTILINE | re.IGNORECASE)
_INCOMPATIBLE = re.compile(r"^# Table [`'](nat|filter)['`] is incompatible", re.MULTILINE)
_TABLES = ("filter", "nat")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_MASQUERADE = re.compile(r"-s \S+ ! -o (\S+) -j (?:MASQUERADE|SNAT\b)")
_HAIRPIN = re.compile(r"-s (\S+) -d \1 -p \w+ -m \w+ --dport \d+ -j MASQUERADE")


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
    """Return what iptables-save of the same family prints.

    Without -t: it then lists the tables that exist, and naming one would make it appear. Raises
    OperationFailed when they cannot be read whole, which must never be taken for "no rules": also
    when a rule of nft's own in a table makes iptables-nft leave all of it out.
    """
    program = program_of(binary, backend, "save")
    result = run([program], _RUN_S, errors_too=False)
    if result.status != 0:
        raise OperationFailed(f"{program} ended with {result.status}.")
    lines = result.output.splitlines()
    if sum(line.startswith("*") for line in lines) != lines.count("COMMIT"):
        raise OperationFailed(f"{program} did not print every table to its end.")
    foreign = _INCOMPATIBLE.search(result.output)
    if foreign:
        raise OperationFailed(
            f"The table {foreign[1]} has rules that iptables cannot show.",
            f"See `nft list table ip {foreign[1]}`; give those rules a table of their own.",
        )
    return result.output


def program_of(binary: str, backend: str, verb: str) -> str:
    """Return the path of iptables-save or iptables-restore of a family, beside its binary."""
    folder = Path(binary).parent
    exact = folder / f"iptables-{backend}-{verb}"
    return str(exact if exact.exists() else folder / f"iptables-{verb}")


def other_nat(binary: str, backend: str) -> tuple[str, ...]:
    """Return the rules of nat in the family that is not `backend`, at most the first 200.

    Only a program that is of that family for certain is run: it would else show the same rules.
    """
    other = "legacy" if backend == "nft" else "nft"
    program = Path(binary).parent / f"iptables-{other}-save"
    if not program.exists():
        return ()
    try:
        saved = run([str(program)], _RUN_S, errors_too=False).output
    except OperationFailed:
        return ()
    rules = tables_of(saved).get("nat", EMPTY).rules
    return tuple(f"-A {rule.chain} {rule.text}" for rule in rules[:_MOST_OTHERS])


def front_ends() -> tuple[str, ...]:
    """Return which programs manage this host's firewall: firewalld, ufw (ufw(8))."""
    found = []
    pidfiles = ("/run/firewalld.pid", "/var/run/firewalld.pid")
    if any(_pid_runs(path) for path in pidfiles):
        found.append("firewalld")
    try:
        if _UFW_ON.search(Path("/etc/ufw/ufw.conf").read_text(errors="replace")):
            found.append("ufw")
    except OSError:
        pass
    return tuple(found)


def _pid_runs(path: str) -> bool:
    """firewalld is a Python program, so that its pid file is asked and not its program's name."""
    try:
        pid = int(Path(path).read_text().strip())
        return b"firewalld" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


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
