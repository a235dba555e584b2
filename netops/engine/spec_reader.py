"""Reads a specification that a person wrote and collects every fault, not only the first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from netops.engine.errors import Refused, SpecInvalid

SPECIAL = (
    ("this-network", IPv4Network("0.0.0.0/8"), "0.0.0.0/8 means “this host” and is not routable"),
    ("loopback", IPv4Network("127.0.0.0/8"), "127.0.0.0/8 is the loopback range of every host"),
    ("link-local", IPv4Network("169.254.0.0/16"), "169.254.0.0/16 is the link-local range"),
    ("multicast", IPv4Network("224.0.0.0/4"), "224.0.0.0/4 is the multicast range"),
    ("reserved", IPv4Network("240.0.0.0/4"), "240.0.0.0/4 is reserved and most hosts refuse it"),
)


_LINK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_PORT = re.compile(r"[0-9]{1,5}")
# moby daemon/names/names.go. Digits and dots alone are a slip of an address, not a name.
_CONTAINER = re.compile(r"(?![0-9.]+\Z)[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}")


def link_name_fits(name: str) -> bool:
    """True if `name` can be a network interface (dev_valid_name in the kernel) and is no pattern.

    iptables takes a final "+" for a wildcard and "!" for a negation; neither gets through.
    """
    return bool(_LINK.fullmatch(name))


def shown(value: object) -> str:
    """Return a value as it can be repeated in a message: printable and short."""
    text = value if isinstance(value, str) else repr(value)
    safe = "".join(c if c.isprintable() else "?" for c in text)
    return safe if len(safe) <= 60 else safe[:57] + "..."


def network_of(text: str) -> IPv4Network:
    """Return the IPv4 network that a person wrote, such as 192.168.225.0/24.

    Raises Refused ("not-ipv4", "host-bits"), which says how it is written.
    """
    address, slash, prefix = text.partition("/")
    try:
        host = IPv4Address(address)
        if not (slash and prefix.isascii() and prefix.isdigit()):
            raise ValueError
        network = IPv4Network((host, int(prefix)), strict=False)
    except ValueError:
        raise Refused("not-ipv4", _no_network(text)) from None
    if network.network_address != host:
        message = (
            f"{shown(text)} is an address inside a network, not a network; the network is "
            f"{network}."
        )
        raise Refused("host-bits", message)
    return network


def network_meant(text: str) -> IPv4Network | None:
    """Return the network that is meant by an address in it, or by one with a netmask; for one
    without its prefix length the /24 around it; None where nothing can be guessed."""
    try:
        meant = IPv4Network(text, strict=False)
    except ValueError:
        return None
    return meant if "/" in text else meant.supernet(new_prefix=24)


def _no_network(text: str) -> str:
    """Say what is wrong with a text that names no IPv4 network, and how it is written."""
    meant = network_meant(text)
    if meant and "/" in text:
        return f"“{text}” has a netmask; write it with its prefix length: {meant}."
    if meant:
        return f"“{text}” lacks its prefix length; write it like {meant}."
    address, _, prefix = text.partition("/")
    if network_meant(address) and prefix.isascii() and prefix.isdigit():
        return f"A prefix length is a number from 0 to 32, not {shown(prefix)}."
    kind = "IPv6, not IPv4" if ":" in text else "not an IPv4 network"
    return f"“{shown(text)}” is {kind}; write it like 192.168.225.0/24."


class SpecReader:
    """Takes fields out of a specification; `problems` grows, `finish` raises if there are any.

    `where` is the place of this part in the whole, such as "publish[0]"; "" for the whole.
    """

    def __init__(self, spec: object, where: str = "") -> None:
        self.problems: list[tuple[str, str, str]] = []
        self._where = where
        self._spec: Mapping[object, object] = {}
        if isinstance(spec, Mapping):
            self._spec = spec
        else:
            self.fault("", "type", "The specification must be an object of named fields.")

    def fault(self, field: str, code: str, message: str) -> None:
        """Note a fault of `field` ("" for the whole specification)."""
        place = ".".join(part for part in (self._where, field) if part)
        self.problems.append((place, code, message))

    def given(self, field: str) -> bool:
        """True if the field is there and not empty, be it right or wrong."""
        return self._spec.get(field) not in (None, "", [], ())

    def finish(self, known: Iterable[str]) -> None:
        """Note every field that is not in `known`, then raise SpecInvalid if anything is wrong."""
        self.only(known)
        if self.problems:
            raise SpecInvalid(self.problems)

    def only(self, known: Iterable[str]) -> None:
        """Note every field that is not in `known`."""
        names = tuple(known)
        for key in self._spec:
            if key not in names:
                listed = ", ".join(names)
                message = f"There is no field “{shown(key)}”; known are {listed}."
                self.fault(shown(key), "unknown-field", message)

    def choice(self, field: str, options: Sequence[str]) -> str | None:
        """Return a required field that is one of `options`, None if at fault."""
        text = self.text(field, required=True)
        if text is not None and text not in options:
            listed = ", ".join(options)
            self.fault(field, "unknown-choice", f"“{shown(text)}” is not one of {listed}.")
            return None
        return text

    def flag(self, field: str) -> bool:
        """Return an optional true or false, false if absent or at fault."""
        value = self._spec.get(field)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.fault(field, "type", f"“{field}” must be true or false, not {shown(value)}.")
        return False

    def items(self, field: str, *, most: int) -> Sequence[object]:
        """Return an optional list as it is, empty if absent or at fault."""
        value = self._spec.get(field)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.fault(field, "type", f"“{field}” must be a list, not {shown(value)}.")
            return ()
        if len(value) > most:
            self.fault(field, "too-many", f"“{field}” takes at most {most}, not {len(value)}.")
            return ()
        return value

    def l4_port(self, field: str) -> int | None:
        """Return a required TCP or UDP port, None if at fault."""
        value = self._spec.get(field)
        if value is None:
            self.fault(field, "required", f"“{field}” is missing.")
            return None
        if type(value) is not int or not 1 <= value <= 65535:
            self.fault(field, "port", f"A port is a number from 1 to 65535, not {shown(value)}.")
            return None
        return value

    def goal(self, field: str) -> tuple[IPv4Address | str, int] | None:
        """Return a required container's name (or address) and port, such as web:80, None if at
        fault."""
        text = self.text(field, required=True)
        if text is None:
            return None
        place, _, port = text.rpartition(":")
        try:
            if not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535:
                raise ValueError
            name = _CONTAINER.fullmatch(place)
            return (place if name else IPv4Address(place)), int(port)
        except ValueError:
            message = (
                f"“{shown(text)}” is not name:port or address:port of a container; write it like "
                "web:80 or 192.168.225.10:80."
            )
            self.fault(field, "not-address-port", message)
            return None

    def text(self, field: str, *, required: bool) -> str | None:
        """Return the text of a field, None if absent (or null) or at fault."""
        value = self._spec.get(field)
        if value is None or value == "":
            if required:
                self.fault(field, "required", f"“{field}” is missing.")
            return None
        if not isinstance(value, str):
            self.fault(field, "type", f"“{field}” must be text, not {shown(value)}.")
            return None
        return value.strip()

    def names(self, field: str, allowed: Iterable[str], *, code: str) -> tuple[str, ...]:
        """Return a list field whose entries are all of `allowed`, sorted, each once."""
        value = self._spec.get(field)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            self.fault(field, "type", f"“{field}” must be a list of texts, not {shown(value)}.")
            return ()
        options, given = tuple(allowed), set()
        for item in value:
            if isinstance(item, str) and item in options:
                given.add(item)
            else:
                listed = ", ".join(options)
                self.fault(field, code, f"“{shown(item)}” is not one of {listed}.")
        return tuple(sorted(given))

    def address(self, field: str) -> IPv4Address | None:
        """Return an optional IPv4 address, None if absent or at fault."""
        text = self.text(field, required=False)
        if text is None:
            return None
        try:
            return IPv4Address(text)
        except AddressValueError:
            kind = "an IPv6 address" if ":" in text else "not an IPv4 address"
            message = f"“{shown(text)}” is {kind}; write it like 192.168.225.1."
            self.fault(field, "not-ipv4", message)
            return None

    def subnet(self, field: str, *, longest: int) -> IPv4Network | None:
        """Return a required IPv4 network of ordinary unicast addresses, None if at fault.

        `longest` is the longest prefix length that makes sense for it.
        """
        text = self.text(field, required=True)
        if text is None:
            return None
        network = self._network(field, text)
        if network is None:
            return None
        for code, special, why in SPECIAL:
            if network.overlaps(special):
                self.fault(field, code, f"{network} cannot be used: {why}.")
                return None
        if network.prefixlen > longest:
            message = (
                f"A /{network.prefixlen} has no room for a gateway and a container; "
                f"/{longest} is the longest prefix that has."
            )
            self.fault(field, "prefix-too-long", message)
            return None
        return network

    def network_in(self, field: str, value: object) -> IPv4Network | None:
        """Return one entry of a list of networks, None if at fault."""
        if not isinstance(value, str):
            self.fault(field, "type", f"“{field}” holds texts, not {shown(value)}.")
            return None
        return self._network(field, value.strip())

    def _network(self, field: str, text: str) -> IPv4Network | None:
        try:
            return network_of(text)
        except Refused as refused:
            self.fault(field, refused.code, refused.message)
            return None
