"""What the findings of a subnet change mean."""

from __future__ import annotations

# Code: what it means, what to do about it.
SUBNET: dict[str, tuple[str, str]] = {
    "no-change": (
        "the host has this subnet and gateway already, in every layer",
        "nothing",
    ),
    "overlaps-docker-network": (
        "another Docker network of the host has these addresses; dockerd would not start",
        "another subnet",
    ),
    "overlaps-host-address": (
        "the host itself has an address in it",
        "another subnet",
    ),
    "overlaps-route": (
        "the host routes part of it elsewhere",
        "another subnet, or accept if the route is meant to lose",
    ),
    "overlaps-dns": (
        "a name server of the host lies in it and would not be reached",
        "another subnet",
    ),
    "overlaps-controller": (
        "this site lies in it: the host would be cut off from it",
        "another subnet",
    ),
    "overlaps-reserved": (
        "the team reserved it (VPN, office)",
        "another subnet",
    ),
    "too-small": (
        "not every running container would get an address",
        "a shorter prefix; the form computes it",
    ),
    "fixed-cidr-outside": (
        "`fixed-cidr` in the configuration is outside of it; dockerd would not start",
        "remove or change `fixed-cidr`",
    ),
    "gateway-outside": (
        "`default-gateway` in the configuration is outside of it",
        "remove or change it",
    ),
    "bridge-not-managed": (
        "Docker does not make docker0 here (`bridge` is set, or there is none)",
        "remove `bridge`",
    ),
    "config-unreadable": (
        "daemon.json does not parse; Dockernet leaves it alone",
        "mend the file",
    ),
    "config-flag-conflict": (
        "a key stands both as a flag and in the file, or `--bip` stands in the unit",
        "keep one",
    ),
    "config-not-in-force": (
        "dockerd runs with a network flag that its next start will not have, or the other way "
        "round; or systemd has not read docker.service again",
        "restart Docker, or take the flag out of the wrapper script",
    ),
    "host-ip-bound": (
        "a container publishes a port on an address that goes away",
        "publish on another address, or accept that it does not start again",
    ),
    "swarm-node": (
        "the node is part of a swarm, which will move its tasks",
        "drain the node first, or accept",
    ),
    "removes-container": (
        "a container with `--rm` would be gone for good",
        "stop it yourself, or accept",
    ),
    "docker-not-running": (
        "what Docker holds cannot be seen, or init does not have it",
        "start Docker through its service",
    ),
    "docker-not-a-service": (
        "what Docker holds cannot be seen, or init does not have it",
        "start Docker through its service",
    ),
    "observation-incomplete": (
        "part of the host could not be read; the message says which",
        "mend that, ask for a new plan",
    ),
    "public-range": (
        "the subnet is public address space: those addresses become unreachable",
        "a private range",
    ),
    "controller-through-bridge": (
        "the site is reached through docker0 itself",
        "look twice",
    ),
    "extra-addresses": (
        "docker0 has more than one IPv4 address; the extra ones go",
        "check who added them",
    ),
    "drops-routes": (
        "somebody added routes through docker0; they go with the old subnet",
        "add them again after the change",
    ),
    "rules-name-old-subnet": (
        "somebody's firewall rules name the old subnet",
        "change them after",
    ),
    "ignores-stop-signal": (
        "a container's first process will not react to its stop signal: the stop lasts "
        "its whole timeout",
        "run it with `--init`, or expect the outage shown",
    ),
    "container-restarting": (
        "a container is in a loop of restarts already",
        "nothing; it is not counted against the change",
    ),
    "stops-units": (
        "systemd units that run stop with Docker (`Requires=`, `BindsTo=`, `PartOf=`); Docker's "
        "start alone would leave them so",
        "nothing; Dockernet starts them again",
    ),
    "starts-stopped-containers": (
        "stopped by hand, but its restart policy lets dockerd start it again; Dockernet stops it",
        "remove the policy first if it must not even run for a moment",
    ),
    "port-contested": (
        "a stopped container that dockerd starts again wants a port of one that runs; Dockernet "
        "stops it, so that the one that ran has the port",
        "remove the restart policy of the stopped one, or give it another port",
    ),
    "host-problem": (
        "something on the host is not as it should be; the message says what",
        "look before you approve",
    ),
    "restarts-containers": (
        "every running container is restarted with Docker",
        "choose the time",
    ),
    "starts-unmanaged-containers": (
        "these have no restart policy; Dockernet starts them again",
        "",
    ),
    "default-address-pools": (
        "docker0 is made anew at every start here",
        "nothing",
    ),
    "live-restore": (
        "containers are stopped first, or dockerd would ignore the new subnet",
        "",
    ),
    "nat-setting-follows": (
        "the NAT setting of the old subnet becomes one of the new, in the same job",
        "",
    ),
    "published-ports-are-lost": (
        "ports that Dockernet publishes to plain addresses do not follow: addresses are given anew",
        "publish them to the containers by name",
    ),
}
