"""The outside network of a run: a router namespace with a bridge, and this machine on it.

::

    root namespace (site_address) ── bridge in the router namespace (router_address) ── hosts
"""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Sequence

from lab.command import LabError, LabProcess, run, start
from lab.state import LabRun

_FIRST_HOST = 11


class Segment:
    """One Ethernet segment with the IPv4 addresses of `lab_run.network` (a /24).

    The router namespace has no way further out: it is the hosts' whole outside world.
    """

    def __init__(self, lab_run: LabRun) -> None:
        self.run = lab_run
        self.network = lab_run.network
        self.site_address: ipaddress.IPv4Address = self.network[1]
        self.router_address: ipaddress.IPv4Address = self.network[-2]
        self.namespace = f"{lab_run.prefix}router"
        self._root_link = f"{lab_run.prefix}site"
        self.given = 0

    def up(self) -> None:
        """Make the namespace, its bridge and the link to the root namespace."""
        run(["ip", "netns", "add", self.namespace])
        _batch(
            self.namespace,
            "link set lo up",
            # An address of its own: else a bridge takes the lowest of its ports', another one with
            # each host that comes or goes, and packets to the one that hosts remember are lost.
            f"link add br0 address {_mac(self.router_address)} type bridge forward_delay 0",
            f"addr add {self.with_prefixlen(self.router_address)} dev br0",
            "link set br0 up",
        )
        run(
            [
                "ip",
                "link",
                "add",
                self._root_link,
                "type",
                "veth",
                "peer",
                "name",
                "site",
                "netns",
                self.namespace,
            ]
        )
        _batch(self.namespace, "link set site master br0 up")
        _batch(
            None,
            f"link set {self._root_link} addrgenmode none",
            f"addr add {self.with_prefixlen(self.site_address)} dev {self._root_link}",
            f"link set {self._root_link} up",
        )

    def down(self) -> None:
        """Remove what `up` made, and whatever still runs in the router namespace."""
        netns_remove(self.namespace)
        run(["ip", "link", "del", self._root_link], check=False)

    def next_address(self) -> ipaddress.IPv4Address:
        """An address for one more host.

        Raises:
            LabError: the network is full.
        """
        address = self.network[_FIRST_HOST + self.given]
        if address >= self.router_address:
            raise LabError(f"{self.network} has no address left for another host")
        self.given += 1
        return address

    def plug(self, *, port: str, namespace: str, address: ipaddress.IPv4Address) -> None:
        """Make `namespace` and its eth0 with `address` and a default route; `port` is ours.

        The MAC is made from the address, so that a host keeps it over a reboot.
        """
        run(["ip", "netns", "add", namespace])
        run(
            [
                "ip",
                "-n",
                self.namespace,
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "address",
                _mac(address),
                "netns",
                namespace,
            ]
        )
        _batch(self.namespace, f"link set {port} master br0 up")
        _batch(
            namespace,
            "link set lo up",
            f"addr add {self.with_prefixlen(address)} broadcast + dev eth0",
            "link set eth0 up",
            f"route add default via {self.router_address}",
        )

    def unplug(self, *, port: str, namespace: str) -> None:
        """Remove the port and the namespace at once, whatever of them exists."""
        run(["ip", "-n", self.namespace, "link", "del", port], check=False)
        netns_remove(namespace)

    def port_set(self, port: str, *, up: bool) -> None:
        """Pull the cable of `port`, or put it back: eth0 of its host loses or regains carrier."""
        run(["ip", "-n", self.namespace, "link", "set", port, "up" if up else "down"])

    def run_outside(
        self, argv: Sequence[str], *, timeout: float = 60.0, check: bool = True
    ) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
        """Run a program of this machine in the router namespace: what the outside sees."""
        return run(self._outside(argv), timeout=timeout, check=check)

    def popen_outside(self, argv: Sequence[str], **options: object) -> LabProcess:
        """Start a program of this machine in the router namespace, a listener for instance."""
        return start(self._outside(argv), **options)

    def with_prefixlen(self, address: ipaddress.IPv4Address) -> str:
        """`address` as ip(8) wants it, with the segment's prefixlen."""
        return f"{address}/{self.network.prefixlen}"

    def _outside(self, argv: Sequence[str]) -> list[str]:
        # Not `ip netns exec`: it would also give the program other mounts.
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *argv]


def _mac(address: ipaddress.IPv4Address) -> str:
    """A locally administered MAC made from an address."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in address.packed)


def netns_remove(name: str) -> None:
    """Kill what runs in the named namespace and remove its name; silent if there is none."""
    pids = run(["ip", "netns", "pids", name], check=False).stdout.split()
    if pids:
        run(["kill", "-9", *pids], check=False)
    run(["ip", "netns", "del", name], check=False)


def _batch(namespace: str | None, *lines: str) -> None:
    """Run the lines of an ip(8) batch in one process; the first that fails ends it."""
    where = ["-n", namespace] if namespace else []
    run(["ip", *where, "-batch", "-"], input="\n".join(lines) + "\n")
