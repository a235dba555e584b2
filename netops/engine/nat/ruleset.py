"""A table as iptables-save(8) prints it, parsed; and when two rules are the same rule."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.serial import Json

OWN = "DOCKERNET-"
# Targets after which a packet looks at no further rule of the table.
ENDING = frozenset(("MASQUERADE", "SNAT", "DNAT", "NETMAP", "REDIRECT", "ACCEPT", "RETURN"))
_COUNTERS = re.compile(r"^\[\d+:\d+\] ")


@frozen(slots=False)
class Line:
    """One rule as printed: its chain and the words after the chain's name."""

    chain: str
    text: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the rule, quotes taken off."""
        try:
            return tuple(shlex.split(self.text))
        except ValueError:
            return tuple(self.text.split())

    @cached_property
    def options(self) -> dict[str, tuple[bool, tuple[str, ...]]]:
        """{option: (negated, values)}; "-m" lists every match that is loaded."""
        found: dict[str, tuple[bool, tuple[str, ...]]] = {}
        negated, name = False, ""
        for word in self.words:
            if word == "!":
                negated = True
            elif word.startswith("-") and len(word) > 1 and not word[1:2].isdigit():
                name = word
                before = found[name][1] if name in found else ()
                found[name] = (negated, before)
                negated = False
            elif name:
                found[name] = (found[name][0], (*found[name][1], word))
        return found

    def value(self, option: str) -> str:
        """Return the value of an option that is not negated, "" where there is none."""
        negated, values = self.options.get(option, (False, ()))
        return "" if negated or not values else values[0]

    @property
    def target(self) -> str:
        """What it jumps to, "" for a rule that only counts."""
        return self.value("-j") or self.value("-g")

    @property
    def source(self) -> IPv4Network | None:
        """The source that it is for, None where it is for any (or for all but one)."""
        return network_of(self.value("-s"))

    @property
    def identity(self) -> frozenset[tuple[str, bool, tuple[str, ...]]]:
        """What makes two rules the same whatever order a version of iptables prints matches in."""
        return identity_of(self.options)


def identity_of(
    options: dict[str, tuple[bool, tuple[str, ...]]],
) -> frozenset[tuple[str, bool, tuple[str, ...]]]:
    """Return an order-free form of a rule's options: lists of states and of matches sorted."""
    found = set()
    for name, (negated, values) in options.items():
        if name == "--ctstate":
            values = tuple(sorted(values[0].split(","))) if values else ()
        elif name == "-m":
            values = tuple(sorted(values))
        found.add((name, negated, values))
    return frozenset(found)


def network_of(text: str) -> IPv4Network | None:
    """Return an address or network of a rule, None if it is neither."""
    try:
        return IPv4Network(text, strict=False) if text else None
    except ValueError:
        return None


def address_of(text: str) -> IPv4Address | None:
    """Return the address at the start of what SNAT or DNAT translates to, None if there is none."""
    try:
        return IPv4Address(text.partition("-")[0].partition(":")[0])
    except ValueError:
        return None


@frozen(slots=False)
class Table:
    """A table: `policies` of its chains ("-" for those that are not built in), rules in order."""

    policies: dict[str, str]
    rules: tuple[Line, ...]

    def chain(self, name: str) -> tuple[Line, ...]:
        """Return the rules of a chain, in order."""
        return tuple(rule for rule in self.rules if rule.chain == name)

    @property
    def own_chains(self) -> tuple[str, ...]:
        """Names of the chains that are ours."""
        return tuple(name for name in self.policies if name.startswith(OWN))

    @property
    def foreign(self) -> tuple[Line, ...]:
        """The rules that are not ours: neither in our chains nor jumps to them."""
        return tuple(r for r in self.rules if not is_own(r))


EMPTY = Table({}, ())


def is_own(rule: Line) -> bool:
    """True for a rule in one of our chains, or a jump to one."""
    return rule.chain.startswith(OWN) or rule.target.startswith(OWN)


def own_lines(tables: Mapping[str, Table]) -> list[Json]:
    """Return the rules in our chains as `-t TABLE -A CHAIN ...`."""
    return [
        f"-t {name} -A {rule.chain} {rule.text}"
        for name, table in tables.items()
        for rule in table.rules
        if rule.chain.startswith(OWN)
    ]


def tables_of(saved: str) -> dict[str, Table]:
    """Return {table: Table} of what iptables-save printed."""
    found: dict[str, tuple[dict[str, str], list[Line]]] = {}
    name = ""
    for raw in saved.splitlines():
        line = _COUNTERS.sub("", raw.strip())
        if line.startswith("*"):
            name = line[1:].strip()
            found[name] = ({}, [])
        elif name and line.startswith(":"):
            chain, policy = (*line[1:].split(), "-", "-")[:2]
            found[name][0][chain] = policy
        elif name and line.startswith("-A "):
            _, chain, text = (*line.split(" ", 2), "")[:3]
            found[name][1].append(Line(chain, text))
    return {table: Table(policies, tuple(rules)) for table, (policies, rules) in found.items()}


def table_of(lines: Iterable[str]) -> Table:
    """Return the table of lines `:CHAIN POLICY` and `-A CHAIN ...` (Firewall.nat and .forward)."""
    return tables_of("\n".join(["*table", *lines])).get("table", EMPTY)


def lines_of(table: Table, chains: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return a table as `table_of` takes it; with `chains` only those."""
    wanted = None if chains is None else set(chains)

    def shown(chain: str) -> bool:
        return wanted is None or chain in wanted

    heads = (f":{chain} {policy}" for chain, policy in table.policies.items() if shown(chain))
    rules = (f"-A {r.chain} {r.text}" for r in table.rules if shown(r.chain))
    return (*heads, *rules)
