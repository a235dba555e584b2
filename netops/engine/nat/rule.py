"""One iptables rule of ours, made of checked values, and the words that iptables has for it."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from netops.engine.spec_reader import link_name_fits

_COMMENT = re.compile(r"[A-Za-z0-9 ./]{1,120}")
_TARGET = re.compile(r"[A-Z][A-Z0-9-]{0,27}")
_STATES = frozenset(("RELATED", "ESTABLISHED", "DNAT", "NEW"))
LOOPBACK = IPv4Network("127.0.0.0/8")


@frozen
class Rule:
    """A rule without its chain (iptables(8), iptables-extensions(8)).

    A link whose name is in `out_link` is matched, one in `not_out_link` is excluded; "" matches
    any. `local`: the destination is an address of the host (addrtype). `l4_port` is the
    destination port. `to` and `to_port` are what SNAT and DNAT translate to. Raises ValueError for
    anything that is not what it says, so that no rule can carry words of somebody else's.
    """

    target: str
    comment: str
    source: IPv4Network | None = None
    destination: IPv4Network | None = None
    not_loopback: bool = False
    in_link: str = ""
    out_link: str = ""
    not_out_link: str = ""
    protocol: str = ""
    l4_port: int | None = None
    local: bool = False
    states: tuple[str, ...] = ()
    to: IPv4Address | None = None
    to_port: int | None = None

    def __attrs_post_init__(self) -> None:
        _require(_fits(_TARGET, self.target), "target")
        _require(_fits(_COMMENT, self.comment), "comment")
        for name in (self.in_link, self.out_link, self.not_out_link):
            _require(type(name) is str and (name == "" or link_name_fits(name)), "link")
        for network in (self.source, self.destination):
            _require(network is None or type(network) is IPv4Network, "network")
        _require(self.to is None or type(self.to) is IPv4Address, "address")
        for port in (self.l4_port, self.to_port):
            _require(port is None or (type(port) is int and 0 < port < 65536), "port")
        _require(self.protocol in ("", "tcp", "udp"), "protocol")
        _require(self.l4_port is None or bool(self.protocol), "protocol")
        _require(set(self.states) <= _STATES, "state")

    @property
    def to_text(self) -> str:
        """The address, or address:port, that packets are translated to; "" if to none."""
        if self.to is None:
            return ""
        return f"{self.to}:{self.to_port}" if self.to_port else str(self.to)

    def words(self) -> list[str]:
        """Return the rule as iptables-save(8) writes it after the chain's name."""
        words: list[str] = []
        if self.source is not None:
            words += ["-s", str(self.source)]
        if self.destination is not None:
            words += ["-d", str(self.destination)]
        elif self.not_loopback:
            words += ["!", "-d", str(LOOPBACK)]
        if self.in_link:
            words += ["-i", self.in_link]
        if self.out_link:
            words += ["-o", self.out_link]
        elif self.not_out_link:
            words += ["!", "-o", self.not_out_link]
        if self.protocol:
            words += ["-p", self.protocol, "-m", self.protocol]
        if self.l4_port is not None:
            words += ["--dport", str(self.l4_port)]
        if self.local:
            words += ["-m", "addrtype", "--dst-type", "LOCAL"]
        if self.states:
            words += ["-m", "conntrack", "--ctstate", ",".join(self.states)]
        words += ["-m", "comment", "--comment", self.comment, "-j", self.target]
        if self.to is not None:
            option = "--to-source" if self.target == "SNAT" else "--to-destination"
            words += [option, self.to_text]
        return words

    def line(self) -> str:
        """Return `words` as one line, with the comment in quotes where it has blanks."""
        return " ".join(f'"{word}"' if " " in word else word for word in self.words())


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _require(held: bool, what: str) -> None:
    if not held:
        raise ValueError(f"no rule is made with such a {what}")
