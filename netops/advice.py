"""What to do about a finding of a plan, by its code (docs/reference/findings.md).

Codes whose message says it, or that ask for nothing, are not here: a page would say it twice.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADVICE: dict[str, Promise] = {
    # Subnet: warnings.
    "public-range": _("Use a private range, unless these public addresses are yours."),
    "controller-through-bridge": _("Let a person confirm the job."),
    "extra-addresses": _("Find out where it comes from; set it again after the change if needed."),
    "rules-name-old-subnet": _("Have the owner of these rules change them after this one."),
    "starts-stopped-containers": _(
        "Remove the restart policy first if it must not even run for a moment."
    ),
    "port-contested": _("Remove the restart policy of the stopped one, or give it another port."),
    "host-problem": _("Look at the host before you approve."),
    # Subnet: for information.
    "restarts-containers": _("Choose a time when their services may be away."),
    # NAT.
    "source-not-on-host": _("Choose an address that the message lists, or add this one first."),
    "source-on-loopback": _("Accept it where a router outside has a way to this address."),
    "publish-container-unknown": _("Name a container that runs in the subnet, or start this one."),
    "interface-unknown": _("Choose a link that the message lists, or leave it out."),
    "subnet-unknown": _("Choose a subnet that the message lists."),
    "port-taken": _("Choose another port, or one address of the host where it is free."),
    "target-outside-subnet": _("Choose the address of a container in the subnet."),
    "legacy-and-nft-both-in-use": _("Remove the rules of the family that dockerd does not use."),
    "publish-address-not-on-host": _("Name one of the host's addresses, or none for all of them."),
    "switches-forwarding-on": _("Look twice: from then on the host passes packets on."),
    "drops-connections": _("Choose a time when open connections may break."),
}


def advice_on(code: str) -> Promise | str:
    """Return what to do about a finding, "" where its message says it or the code is not known."""
    return ADVICE.get(code, "")
