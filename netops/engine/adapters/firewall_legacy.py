"""Writes rules into the legacy tables with python-iptables, where a host has it.

Only ever imported on a host whose dockerd uses iptables-legacy: on an nft host it would write rules
that nobody sees. It knows nothing of the lock by which programs take turns (iptables(8), --wait),
commits each call by itself unless told not to, and shares its tables in the whole process.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from netops.engine.errors import OperationFailed
from netops.engine.nat.edits import (
    ChainDelete,
    ChainMake,
    ChainRemove,
    ChainSet,
    Edit,
    JumpDelete,
    JumpInsert,
)
from netops.engine.nat.rule import LOOPBACK, Rule

LOCK = "/run/xtables.lock"
WAIT_S, AGAIN_S = 10.0, (0.002, 0.04)
_AGAIN = re.compile(r"temporarily unavailable|EAGAIN", re.IGNORECASE)


def available() -> bool:
    """True if python-iptables can be imported here."""
    return find_spec("iptc") is not None


def rules_set(tables: Mapping[str, Sequence[Edit]]) -> None:
    """Make the edits of each table, one atomic commit a table.

    When somebody without the lock has written meanwhile (EAGAIN), the table is read anew and the
    edits are tried again, for WAIT_S seconds. Raises OperationFailed.
    """
    import iptc

    wanted = {name: edits for name, edits in tables.items() if edits}
    with xtables_lock(), _no_other_tables(iptc, wanted):
        for name, edits in wanted.items():
            _table_set(iptc, name, edits)


@contextmanager
def _no_other_tables(iptc: Any, names: Iterable[str]) -> Iterator[None]:
    """Keep a rule from opening every table there is, only to see if one has its target for a chain.

    A legacy table that was opened once is there for good.
    """
    original = iptc.Rule.tables
    iptc.Rule.tables = property(lambda _: [iptc.Table(name) for name in names])
    try:
        yield
    finally:
        iptc.Rule.tables = original


def _table_set(iptc: Any, name: str, edits: Sequence[Edit]) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        table = iptc.Table(name, autocommit=False)
        table.autocommit = False  # One object a process and table: an earlier user's word stays.
        try:
            table.refresh()
            for edit in edits:
                _edit(iptc, table, edit)
            table.commit()
            return
        except (iptc.IPTCError, iptc.XTablesError) as error:
            _forget(table)
            if time.monotonic() > deadline or not _AGAIN.search(str(error)):
                raise OperationFailed(f"python-iptables: table {name}: {error}") from error
            # Not in step with whoever else writes again and again.
            time.sleep(random.uniform(*AGAIN_S))  # noqa: S311 - no secret
        except Exception:
            _forget(table)
            raise


def _forget(table: Any) -> None:
    """Drop what was not committed, or the next user of the shared table would commit it."""
    try:
        table.refresh()
    except Exception:
        table.close()


def _edit(iptc: Any, table: Any, edit: Edit) -> None:
    match edit:
        case ChainSet(name, rules):
            chain = _chain(iptc, table, name)
            chain.flush()
            for rule in rules:
                chain.append_rule(_rule(iptc, rule))
        case ChainMake(name):
            if table.is_chain(name):
                raise OperationFailed(f"Docker has made the chain {name} meanwhile.")
            table.create_chain(name)
        case ChainRemove(name):
            iptc.Chain(table, name).delete()
        case ChainDelete(name):
            chain = iptc.Chain(table, name)
            chain.flush()
            chain.delete()
        case JumpDelete(name, _, line):
            # Not by its index, which others may have moved: whatever jumps to ours is ours.
            chain = iptc.Chain(table, name)
            ours = (r for r in chain.rules if r.target and r.target.name == line.target)
            found = next(ours, None)
            if found is not None:
                chain.delete_rule(found)
        case JumpInsert(name, index, rule):
            iptc.Chain(table, name).insert_rule(_rule(iptc, rule), position=index)


def _chain(iptc: Any, table: Any, name: str) -> Any:
    return iptc.Chain(table, name) if table.is_chain(name) else table.create_chain(name)


def _rule(iptc: Any, rule: Rule) -> Any:
    made = iptc.Rule()
    if rule.source is not None:
        made.src = str(rule.source)
    if rule.destination is not None:
        made.dst = str(rule.destination)
    elif rule.not_loopback:
        made.dst = f"!{LOOPBACK}"
    if rule.in_link:
        made.in_interface = rule.in_link
    if rule.out_link or rule.not_out_link:
        made.out_interface = rule.out_link or f"!{rule.not_out_link}"
    if rule.protocol:
        made.protocol = rule.protocol
    for name, option, value in _matches(rule):
        match = made.create_match(name)
        if option:
            setattr(match, option, value)
    target = made.create_target(rule.target)
    if rule.to is not None:
        setattr(target, "to_source" if rule.target == "SNAT" else "to_destination", rule.to_text)
    return made


def _matches(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """The matches in the order in which iptables-save prints them."""
    if rule.protocol:
        yield rule.protocol, *(("dport", str(rule.l4_port)) if rule.l4_port else ("", ""))
    if rule.local:
        yield "addrtype", "dst_type", "LOCAL"
    if rule.states:
        yield "conntrack", "ctstate", ",".join(rule.states)
    yield "comment", "comment", rule.comment


@contextmanager
def xtables_lock(
    path: str = LOCK, wait_s: float = WAIT_S, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Hold the lock that iptables-legacy takes turns by, at most `wait_s` seconds after asking."""
    handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno != errno.EWOULDBLOCK:
                    raise OperationFailed(f"{path}: {error.strerror}.") from error
                if time.monotonic() > deadline:
                    message = f"Another program has held {path} for {wait_s:g} s."
                    raise OperationFailed(message, f"See who: `fuser {path}`.") from error
                sleep(0.02)
        yield
    finally:
        os.close(handle)
