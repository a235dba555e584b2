"""What the findings of a NAT change mean."""

from __future__ import annotations

# Code: what it means, what to do about it.
NAT: dict[str, tuple[str, str]] = {
    "no-change": (
        "the subnet has this setting already and its rules are there; or there is "
        "nothing of ours to remove",
        "nothing",
    ),
    "source-not-on-host": (
        "the host does not have the address `to_source`, so no answer would come back",
        "an address that the message lists, or add this one to the host first",
    ),
    "source-not-usable": (
        "`to_source` is a loopback address, or that of one of Docker's own bridges: nobody outside "
        "can answer to it",
        "an address that the message lists",
    ),
    "source-on-loopback": (
        "`to_source` stands on the link lo alone: answers come back only if routers outside have a "
        "way to it",
        "accept it where BGP or a static route announces it; the job still proves the answers",
    ),
    "publish-container-unknown": (
        "a port is published to a container that is not in the subnet, or does not run and has no "
        "address",
        "a container that runs in the subnet, or start this one",
    ),
    "publish-address-not-fixed": (
        "a port is published to an address that a container has from Docker, which may give it to "
        "another one",
        "publish it to the container by name",
    ),
    "interface-unknown": (
        "the host has no link `out_interface`, or it is the subnet's own bridge",
        "a link that the message lists, or leave it out",
    ),
    "subnet-unknown": (
        "no bridge of Docker's on this host has the subnet",
        "a subnet that the message lists",
    ),
    "port-taken": (
        "a container, another setting or a program of the host has the port already",
        "another port, or one `host_ip` that is free",
    ),
    "target-outside-subnet": (
        "a published port would lead to an address that no container of the subnet can have",
        "an address of a container",
    ),
    "firewall-unavailable": (
        "the host has no iptables that dockerd would use",
        "install iptables",
    ),
    "observation-incomplete": (
        "part of the host could not be read, or nat has more rules than a plan can look at",
        "mend that, ask for a new plan",
    ),
    "docker-already-does-this": (
        "Docker's own rule translates the subnet (or Docker makes its chain) already",
        "nothing, or go on so that it also holds where Docker's rule is lost",
    ),
    "exposes-port-publicly": (
        "the port is open on every address of the host, or on a public one",
        "name a private `host_ip`",
    ),
    "firewalld-active": (
        "that program manages the firewall and may rewrite it; our rules are put back",
        "nothing",
    ),
    "ufw-active": (
        "that program manages the firewall and may rewrite it; our rules are put back",
        "nothing",
    ),
    "legacy-and-nft-both-in-use": (
        "both families of iptables have rules in nat, and both decide",
        "remove the rules of the family that dockerd does not use",
    ),
    "publish-address-not-on-host": (
        "`host_ip` of a published port is no address of this host",
        "name one of its addresses, or none for all of them",
    ),
    "switches-forwarding-on": (
        "the host does not forward packets yet; the change lets it, now and after a reboot",
        "look twice",
    ),
    "drops-connections": (
        "open connections of the subnet are forgotten, so that the new rules hold for all at once",
        "choose the time",
    ),
}
