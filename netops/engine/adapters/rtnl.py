"""pyroute2's messages as the engine's values (rtnetlink(7))."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from netops.engine.observed import Address, Link, Route

_IFF_UP = 1  # linux/if.h
_IFA_F_SECONDARY = 0x01  # linux/if_addr.h
_RTN_UNICAST = 1  # linux/rtnetlink.h
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_SCOPE_LINK = 253
_ANY = IPv4Address(0)
_PROTOCOLS = {0: "", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 16: "dhcp"}


def read_link(message: Any, names: dict[int, str]) -> Link:
    """Return the Link of an RTM_NEWLINK message; `names` are the links by index."""
    info = message.get_attr("IFLA_LINKINFO")
    master = message.get_attr("IFLA_MASTER")
    return Link(
        index=message["index"],
        name=message.get_attr("IFLA_IFNAME") or "",
        kind=(info.get_attr("IFLA_INFO_KIND") if info else None) or "",
        mac=message.get_attr("IFLA_ADDRESS") or "",
        up=bool(message["flags"] & _IFF_UP),
        mtu=message.get_attr("IFLA_MTU") or 0,
        master=names.get(master, "") if master else "",
        peer_index=message.get_attr("IFLA_LINK") or None,
    )


def read_links(messages: list[Any]) -> tuple[Link, ...]:
    """Return the links of a whole dump, by index."""
    names = {m["index"]: m.get_attr("IFLA_IFNAME") or "" for m in messages}
    return tuple(sorted((read_link(m, names) for m in messages), key=lambda link: link.index))


def read_address(message: Any, names: dict[int, str]) -> Address | None:
    """Return the Address of an RTM_NEWADDR message, None when its link is gone meanwhile.

    On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL the own address.
    """
    link = names.get(message["index"])
    local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    if link is None or local is None:
        return None
    flags = message.get_attr("IFA_FLAGS")
    return Address(
        link=link,
        interface=IPv4Interface(f"{local}/{message['prefixlen']}"),
        scope=_SCOPES.get(message["scope"], str(message["scope"])),
        secondary=bool((message["flags"] if flags is None else flags) & _IFA_F_SECONDARY),
    )


def read_routes(messages: list[Any], names: dict[int, str]) -> tuple[Route, ...]:
    """Return the unicast routes of a dump, sorted; one entry for each next hop of a multipath."""
    routes = [r for m in messages if m["type"] == _RTN_UNICAST for r in _hops(m, names)]
    return tuple(sorted(routes, key=_order))


def write_route(route: Route, link_index: int) -> dict[str, Any]:
    """Return the words of pyroute2's `route("add", ...)` for a route on the link of that index."""
    numbers = {name: number for number, name in _PROTOCOLS.items()}
    words: dict[str, Any] = {
        "dst": str(route.destination),
        "oif": link_index,
        "table": route.table,
        "proto": numbers.get(route.protocol) or int(route.protocol or 0),
    }
    if route.gateway is not None:
        words["gateway"] = str(route.gateway)
    else:
        words["scope"] = _SCOPE_LINK
    if route.source is not None:
        words["prefsrc"] = str(route.source)
    return words


def _order(route: Route) -> tuple[int, IPv4Network, str, str]:
    return (route.table, route.destination, route.link, str(route.gateway))


def _hops(message: Any, names: dict[int, str]) -> list[Route]:
    # IPv4 dumps nest the next hops of a multipath route in RTA_MULTIPATH (linux/rtnetlink.h).
    nested = message.get_attr("RTA_MULTIPATH") or []
    hops = [(hop["oif"], hop.get_attr("RTA_GATEWAY")) for hop in nested]
    if not hops:
        hops = [(message.get_attr("RTA_OIF"), message.get_attr("RTA_GATEWAY"))]
    destination = message.get_attr("RTA_DST") or str(_ANY)
    source = message.get_attr("RTA_PREFSRC")
    return [
        Route(
            table=message.get_attr("RTA_TABLE") or message["table"],
            destination=IPv4Network(f"{destination}/{message['dst_len']}"),
            gateway=IPv4Address(gateway) if gateway else None,
            link=names.get(index, "") if index else "",
            source=IPv4Address(source) if source else None,
            protocol=_PROTOCOLS.get(message["proto"], str(message["proto"])),
        )
        for index, gateway in hops
    ]
