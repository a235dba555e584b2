"""The NAT of a host, arranged as its page shows it. Pure."""

from __future__ import annotations

from attrs import evolve, frozen
from django.utils.translation import gettext, gettext_noop

from hosts.nat_audit import why_no_audit
from netops.engine.layers import default_bridge, layers_of
from netops.engine.nat.audit import (
    DOCKER,
    DOCKERNET,
    DUPLICATE,
    GONE,
    MISSING,
    NOBODY,
    PRESENT,
    SHADOWED,
    WRONG_FAMILY,
    NatEntry,
)
from netops.engine.nat.ruleset import Table, table_of
from netops.engine.nat_setting import NatSetting
from netops.engine.observed import Observed
from netops.forms_nat import query_of
from netops.kinds_nat import target
from netops.nat_choices import setting_of
from netops.nat_scenes import scene_of_host
from netops.nat_way import Way, ways_of
from netops.words import StateWord

_WORDS = {
    PRESENT: StateWord(gettext_noop("As it should be"), "good", "circle-check"),
    MISSING: StateWord(gettext_noop("Missing"), "bad", "alert-circle"),
    SHADOWED: StateWord(gettext_noop("Shadowed"), "bad", "alert-triangle"),
    DUPLICATE: StateWord(gettext_noop("Twice"), "warn", "alert-triangle"),
    GONE: StateWord(gettext_noop("Left over"), "warn", "alert-triangle"),
    WRONG_FAMILY: StateWord(gettext_noop("In the other family"), "bad", "alert-triangle"),
}
_OWNERS = {
    DOCKER: gettext_noop("Docker does it"),
    DOCKERNET: gettext_noop("Dockernet does it"),
    NOBODY: gettext_noop("nobody does it"),
}
_DOUBTFUL = StateWord(gettext_noop("Cannot be judged"), "warn", "alert-triangle")
_OTHERS = gettext_noop("somebody else does it")


def _word(state: str) -> StateWord:
    word = _WORDS.get(state)
    if word is None:
        return StateWord(state, "idle", "circle-dot")
    return evolve(word, label=gettext(word.label))


@frozen
class NatRow:
    """One subnet, `number` on the page; `mend` is the query string of the request that mends it,
    "" if none does. `doubtful`: there is a rule, but its network's layers disagree, so that nobody
    can say whether it is the right one."""

    number: int
    entry: NatEntry
    word: StateWord
    owner: str
    setting: NatSetting | None
    mend: str
    ways: tuple[Way, ...]
    doubtful: bool

    @property
    def right(self) -> bool:
        """True if there is nothing to do."""
        return self.entry.state == PRESENT and not self.doubtful

    @property
    def hint_id(self) -> str:
        """The id of the element that holds its hint."""
        return f"nat-hint-{self.number}"

    @property
    def asked(self) -> str:
        """What was asked for, in a few words; "" without a setting of ours."""
        return target(self.setting.spec).partition(" → ")[2] if self.setting else ""


@frozen
class NatSection:
    """What the page says of NAT. `why_not` is why there are no rows, "" if there could be some;
    `loose` are settings that no row tells (while Docker does not run)."""

    rows: tuple[NatRow, ...]
    loose: tuple[NatSetting, ...]
    why_not: str
    left_out: int

    @property
    def right(self) -> bool:
        """True if every row is as it should be."""
        return all(row.right for row in self.rows)

    @property
    def bad(self) -> bool:
        """True if a row says that packets do not go the way that they should."""
        return any(row.word.tone == "bad" for row in self.rows)

    @property
    def doubtful(self) -> bool:
        """True if a row cannot be judged."""
        return any(row.doubtful for row in self.rows)

    @property
    def wrong(self) -> int:
        """How many rows are not as they should be."""
        return sum(not row.right and not row.doubtful for row in self.rows)


def nat_section(
    host_name: str, observed: Observed, entries: tuple[NatEntry, ...] | None
) -> NatSection:
    """Return the NAT of a host as its audit (see nat_audit.py) has it."""
    in_doubt = _in_doubt(observed)
    why_not = why_no_audit(observed)
    if entries is not None and observed.firewall.backend == "":
        why_not = "This host has no iptables that dockerd would use."
    table = table_of(observed.firewall.nat)
    rows = tuple(
        _row(
            host_name,
            observed,
            table,
            *item,
            doubtful=bool(item[1].network) and item[1].bridge == in_doubt,
        )
        for item in enumerate(entries or (), 1)
    )
    told = {str(row.entry.subnet) for row in rows}
    return NatSection(
        rows=rows,
        loose=tuple(
            setting
            for setting in observed.nat.settings
            if str(setting.spec.get("subnet")) not in told and entries is not None
        ),
        why_not=why_not,
        left_out=observed.firewall.left_out,
    )


def _in_doubt(observed: Observed) -> str:
    """The default bridge where what Docker has on record is not what the kernel and the containers
    have; what is configured counts at the next start only."""
    layers = layers_of(observed)
    now = (*layers.kernel, *layers.containers)
    odd = layers.docker is not None and (not layers.kernel or any(s != layers.docker for s in now))
    return default_bridge(observed) if odd else ""


def _row(
    host_name: str,
    observed: Observed,
    table: Table,
    number: int,
    entry: NatEntry,
    *,
    doubtful: bool,
) -> NatRow:
    doubtful = doubtful and entry.state == PRESENT
    scene = scene_of_host(observed, table, entry.subnet, entry.bridge)
    return NatRow(
        number=number,
        entry=entry,
        word=evolve(_DOUBTFUL, label=gettext(_DOUBTFUL.label)) if doubtful else _word(entry.state),
        owner=gettext(_OWNERS.get(entry.by, _OTHERS)),
        setting=setting_of(observed, entry.subnet),
        mend=query_of(host_name, entry.mend) if entry.mend else "",
        ways=ways_of(scene) if entry.network else (),
        doubtful=doubtful,
    )
