"""Terms of networks and of Docker."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from teach.term import Term

_BRIDGES, _NAT = "docs/explanation/bridges.md", "docs/explanation/nat.md"

NETWORK: tuple[Term, ...] = (
    Term(
        "bridge",
        pgettext_lazy("network", "bridge"),
        _(
            "A switch inside the kernel. The containers of one Docker network are plugged into"
            " the same bridge and reach each other through it."
        ),
        _BRIDGES,
    ),
    Term(
        "docker0",
        "docker0",
        _(
            "The bridge that Docker makes by itself. A container that names no other network is"
            " plugged into it. It has the range 172.17.0.0/16 unless told otherwise."
        ),
        _BRIDGES,
    ),
    Term(
        "veth",
        "veth",
        _(
            "A virtual cable with two ends. One end is the container's network card, the other"
            " is plugged into the bridge and has a name that begins with veth."
        ),
        _BRIDGES,
    ),
    Term(
        "link",
        pgettext_lazy("network", "link"),
        _(
            "The kernel's word for anything that packets can leave by: a network card, a bridge,"
            " one end of a veth, a VPN's tunnel."
        ),
        _BRIDGES,
    ),
    Term(
        "subnet",
        _("subnet"),
        _(
            "A range of neighbouring addresses that share a beginning, such as 192.168.225.0/24:"
            " all addresses from 192.168.225.0 to 192.168.225.255."
        ),
        _BRIDGES,
    ),
    Term(
        "prefix-length",
        _("prefix length"),
        _(
            "The number after the slash: how many of the 32 bits are the same for the whole"
            " subnet. A smaller number is a larger subnet: /24 has 256 addresses, /16 has 65,536."
        ),
        _BRIDGES,
    ),
    Term(
        "gateway",
        _("gateway"),
        _(
            "The address that containers send to when they want to leave their subnet. For"
            " docker0 it is the bridge's own address on the host."
        ),
        _BRIDGES,
    ),
    Term(
        "nat",
        "NAT",
        _(
            "Network address translation: the host rewrites addresses in passing packets, so that"
            " containers with private addresses reach the world, and published ports reach them."
        ),
        _NAT,
    ),
    Term(
        "masquerade",
        "MASQUERADE",
        _(
            "The rule that lets packets of containers leave with the address of the host's link"
            " that they leave by. Without it no answer would find the way back."
        ),
        _NAT,
    ),
    Term(
        "snat",
        "SNAT",
        _(
            "Like MASQUERADE, but with one fixed address of the host: for a firewall elsewhere"
            " that lets in exactly that address."
        ),
        _NAT,
    ),
    Term(
        "dnat",
        "DNAT",
        _(
            "The rule behind a published port: what arrives at a port of the host is given the"
            " address of a container as its destination."
        ),
        _NAT,
    ),
    Term(
        "conntrack",
        "conntrack",
        _(
            "The kernel's list of open connections. It remembers how each was translated, so an"
            " open connection keeps its old translation until its entry is forgotten."
        ),
        _NAT,
    ),
    Term(
        "live-restore",
        "live-restore",
        _(
            "A setting of Docker that leaves containers running while Docker itself is restarted."
            " While any runs, Docker ignores a new subnet, so they are stopped first."
        ),
        _BRIDGES,
    ),
    Term(
        "daemon-json",
        "daemon.json",
        _(
            "Docker's configuration file, /etc/docker/daemon.json. Its key bip is what decides"
            " the subnet of docker0 for good; Dockernet changes that one key and keeps a copy."
        ),
        _BRIDGES,
    ),
    Term(
        "restart-policy",
        _("restart policy"),
        _(
            "What Docker does with a container after a restart. Without one the container stays"
            " stopped; Dockernet starts again whatever ran before a change."
        ),
        "docs/hosts.md",
    ),
    Term(
        "forward",
        "FORWARD",
        _(
            "The kernel's chain for packets that pass through the host, from one link to another."
            " Its policy, ACCEPT or DROP, decides about those that no rule names; DROP without"
            " Docker's rules cuts containers off."
        ),
        _NAT,
    ),
    Term(
        "uplink",
        pgettext_lazy("network", "uplink"),
        _(
            "The link by which packets leave the host for other machines: the network card with"
            " the default route, as a rule."
        ),
        _NAT,
    ),
)
