"""The audit of a host's NAT, as far as its report can be relied on. Pure."""

from __future__ import annotations

from netops.engine.errors import SpecInvalid
from netops.engine.nat.audit import NatEntry, audit
from netops.engine.nat.own import own_rules
from netops.engine.observed import Observed


def nat_audit(observed: Observed) -> tuple[NatEntry, ...] | None:
    """Return an entry for each subnet, None where the host's word is not enough to judge by."""
    return None if why_no_audit(observed) else audit(observed)


def why_no_audit(observed: Observed) -> str:
    """Return why a host cannot be audited, in a sentence; "" if it can."""
    if any(problem.startswith("Firewall") for problem in observed.problems):
        return "The firewall's rules could not be read."
    if "nat" in observed.firewall.tables and not observed.firewall.nat:
        return "The agent on this host does not tell the rules of the table nat."
    if observed.firewall.left_out:
        return f"The table nat has {observed.firewall.left_out} rules more than are reported."
    try:
        own_rules(observed.nat.settings)
    except (SpecInvalid, ValueError):
        return "The NAT settings that the agent keeps on this host are damaged."
    return ""
