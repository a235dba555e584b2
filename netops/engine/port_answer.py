"""How a published port answers whoever tries it. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import frozen

# How a published port answers: a connection stands; a datagram came back; the place that packets
# are led to has no program there; this host itself refuses; packets are led to an address and
# nothing comes back; no trace.
OPEN, ANSWERED, REFUSED, REJECTED = "open", "answered", "refused", "rejected"
LED, SILENT = "led", "silent"


@frozen
class PortProbe:
    """A port to be tried at an address of this host; `protocol` is "tcp" or "udp"."""

    protocol: str
    address: IPv4Address
    l4_port: int


@frozen
class PortAnswer:
    """How a port answered (`word`), and the address and port that conntrack leads its packets to.

    `place` is None without a trace: where nothing is tracked, or the packet was dropped on its way.
    """

    word: str
    place: tuple[IPv4Address, int] | None = None
