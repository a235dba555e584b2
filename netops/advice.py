"""What to do about each finding of a plan, by its code (docs/reference/findings.md)."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADVICE: dict[str, Promise] = {
    # Subnet: blockers.
    "no-change": _("Nothing has to be done; withdraw this request."),
    "overlaps-docker-network": _(
        "Choose another subnet, or remove that network if it is not used."
    ),
    "overlaps-host-address": _("Choose another subnet."),
    "overlaps-route": _("Choose another subnet, or accept it if that route is meant to lose."),
    "overlaps-dns": _("Choose another subnet, or give the host a name server outside of this one."),
    "overlaps-controller": _("Choose another subnet; with this one the host could not be reached."),
    "overlaps-reserved": _("Choose another subnet; the map of addresses shows what is free."),
    "too-small": _("Choose a shorter prefix; the form computes one that has room for all."),
    "fixed-cidr-outside": _(
        "Remove fixed-cidr from Docker's configuration, or set it to a part of the new subnet; "
        "then ask for a new plan."
    ),
    "gateway-outside": _(
        "Remove default-gateway from Docker's configuration, or set it to an address of the new "
        "subnet; then ask for a new plan."
    ),
    "bridge-not-managed": _(
        "Remove “bridge” from Docker's configuration if Docker is to make docker0 again; then ask "
        "for a new plan."
    ),
    "config-unreadable": _("Mend the file on the host, then ask for a new plan."),
    "config-flag-conflict": _("Keep the key in one place only, then ask for a new plan."),
    "host-ip-bound": _(
        "Publish the port on another address, or accept that the container does not start again."
    ),
    "swarm-node": _("Drain the node first, or accept that the swarm moves its tasks."),
    "removes-container": _("Stop the container yourself when it may go, or accept its loss."),
    "docker-not-running": _("Start Docker through its service, then ask for a new plan."),
    "docker-not-a-service": _("Run Docker as a service of init, then ask for a new plan."),
    "observation-incomplete": _("Mend what the message names, then ask for a new plan."),
    # Subnet: warnings.
    "public-range": _("Use a private range, unless these public addresses are yours."),
    "controller-through-bridge": _("Look twice; prefer that a person confirms the job."),
    "extra-addresses": _("Find out who added them; add them again after the change if needed."),
    "drops-routes": _("Add these routes again after the change, if they are still needed."),
    "rules-name-old-subnet": _("Have the owner of these rules change them after this one."),
    "ignores-stop-signal": _("Run the container with --init, or expect the outage that is shown."),
    "container-restarting": _("Nothing; it is not counted against the change."),
    "starts-stopped-containers": _("Remove the restart policy first if it must stay down."),
    "host-problem": _("Look at the host before you approve."),
    "published-ports-are-lost": _("Publish the ports again after the change."),
    # Subnet: for information.
    "restarts-containers": _("Choose a time when their services may be away."),
    "starts-unmanaged-containers": _("Nothing; Dockernet starts them again itself."),
    "default-address-pools": _("Nothing; the subnet asked for wins over the pools."),
    "live-restore": _("Nothing; the containers are stopped first and started again."),
    "nat-setting-follows": _("Nothing; the setting moves with the subnet, in the same job."),
    # NAT.
    "source-not-on-host": _("Choose an address that the message lists, or add this one first."),
    "interface-unknown": _("Choose a link that the message lists, or leave it out."),
    "subnet-unknown": _("Choose a subnet that the message lists."),
    "port-taken": _("Choose another port, or one address of the host where it is free."),
    "target-outside-subnet": _("Choose the address of a container in the subnet."),
    "firewall-unavailable": _("Install iptables on the host, then ask for a new plan."),
    "docker-already-does-this": _(
        "Nothing; or go on so that it also holds where Docker's own rule is lost."
    ),
    "exposes-port-publicly": _("Name a private address of the host, unless all may come."),
    "firewalld-active": _("Nothing; the rules are put back when firewalld rewrites them."),
    "ufw-active": _("Nothing; the rules are put back when ufw rewrites them."),
    "legacy-and-nft-both-in-use": _("Remove the rules of the family that dockerd does not use."),
    "publish-address-not-on-host": _("Name one of the host's addresses, or none for all of them."),
    "switches-forwarding-on": _("Look twice: from then on the host passes packets on."),
    "drops-connections": _("Choose a time when open connections may break."),
}


def advice_on(code: str) -> Promise | str:
    """Return what to do about a finding, "" for a code that this version does not know."""
    return ADVICE.get(code, "")
