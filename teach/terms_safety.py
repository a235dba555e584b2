"""Terms of Dockernet's own: how a change is judged, carried out and kept safe."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from teach.term import Term

_POLICIES, _WAY_BACK = "docs/policies.md", "docs/explanation/way-back.md"

SAFETY: tuple[Term, ...] = (
    Term(
        "layers",
        _("layers"),
        _(
            "The four places that know the subnet of docker0: the configuration, Docker's own"
            " record, the kernel, the containers. When they disagree, something was changed by"
            " hand or half-way."
        ),
        "docs/explanation/bridges.md",
    ),
    Term(
        "observation",
        _("observation"),
        _(
            "What the agent on a host saw at one moment: links, addresses, containers, rules,"
            " configuration. The pages show the latest one and when it was made."
        ),
        _WAY_BACK,
    ),
    Term(
        "digest",
        _("digest"),
        _(
            "A fingerprint of a plan and of the host as it was. An approval holds for that one"
            " fingerprint: if the host has changed since, nothing is touched."
        ),
        _WAY_BACK,
    ),
    Term(
        "outage",
        _("outage"),
        _(
            "The time in which containers of the network cannot be reached while a change is"
            " carried out. The plan estimates it, the record shows what was measured."
        ),
        _WAY_BACK,
    ),
    Term(
        "confirm-window",
        _("confirm window"),
        _(
            "The time that a host waits, after its last step, for a yes over a new connection."
            " If none comes, because the change cut it off or nobody looked, it goes back by"
            " itself."
        ),
        _WAY_BACK,
    ),
    Term(
        "reserved-range",
        _("reserved range"),
        _(
            "Addresses that your team keeps for something else, such as a VPN or an office. A"
            " plan whose subnet overlaps one cannot be approved."
        ),
        "docs/how-to/reserve-ranges.md",
    ),
    Term(
        "freeze",
        _("freeze"),
        _(
            "A time in which no change is sent to hosts, such as a holiday. Plans can be asked"
            " for and read; the last approval has to wait."
        ),
        _POLICIES,
    ),
    Term(
        "break-glass",
        _("break-glass"),
        _(
            "In an emergency an admin may carry out a plan without the approvals and in spite of"
            " a freeze, with a reason. The record is marked for ever."
        ),
        _POLICIES,
    ),
    Term(
        "grant",
        _("grant"),
        _(
            "A permission beside the role, for one environment: who may request, approve or"
            " cancel there. It never gives more than the role does."
        ),
        _POLICIES,
    ),
    Term(
        "quorum",
        _("quorum"),
        _(
            "How many different people have to approve a plan before it is carried out, and how"
            " many of them must come from a named group."
        ),
        _POLICIES,
    ),
    Term(
        "agent",
        _("agent"),
        _(
            "Dockernet's program on a host, the service dockernet-agent. It looks at the host,"
            " makes plans and carries out what was approved; it calls the site, never the other way"
            " round."
        ),
        "docs/hosts.md",
    ),
    Term(
        "enrolment",
        _("enrolment"),
        _(
            "How a host comes in: one line, good once and for an hour, installs the agent and gives"
            " it keys of its own."
        ),
        "docs/hosts.md",
    ),
    Term(
        "conflict",
        pgettext_lazy("addresses", "conflict"),
        _(
            "Two networks that have addresses in common: two of one host, or a host's and a"
            " reserved range. What has the address elsewhere cannot be reached from there."
        ),
        "docs/explanation/bridges.md",
    ),
    Term(
        "plan",
        _("plan"),
        _(
            "What a host says it would do for a change: every step with its command, what it finds"
            " risky, how long services are away. Nothing is touched before it is approved."
        ),
        _WAY_BACK,
    ),
    Term(
        "stale",
        _("stale"),
        _(
            "A plan is stale when its host is no longer what the plan was made from. It is not"
            " carried out; a new plan needs a new approval."
        ),
        _WAY_BACK,
    ),
    Term(
        "rollback",
        _("rollback"),
        _(
            "The way back: what was done is undone, last step first, when a step fails, somebody"
            " cancels, or nobody confirms in time. Afterwards the host is held against what it was"
            " before. Where somebody else has taken what it needs, such as the old range, the host"
            " stays on the new state, proved."
        ),
        _WAY_BACK,
    ),
)
