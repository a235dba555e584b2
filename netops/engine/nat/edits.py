"""What has to be done to a table so that our part of it is what it shall be. Pure.

Nobody else's rule or chain is in any edit, with one exception that is asked for by name: the chain
DOCKER is made where it is missing, and removed again while it is empty.
"""

from __future__ import annotations

from ipaddress import IPv4Network

from attrs import frozen

from netops.engine.nat.own import DOCKER, FORWARD, PARENTS, POSTROUTING, OwnTable, jump
from netops.engine.nat.rule import Rule
from netops.engine.nat.ruleset import ENDING, Line, Table, identity_of


@frozen
class ChainSet:
    """Make a chain of ours, or empty the one there is, and fill it."""

    chain: str
    rules: tuple[Rule, ...]


@frozen
class ChainMake:
    """Make the chain DOCKER, which fails if Docker has made it meanwhile: it is not emptied."""

    chain: str


@frozen
class ChainRemove:
    """Remove the chain DOCKER, which fails if anything is in it."""

    chain: str


@frozen
class ChainDelete:
    """Empty and delete a chain; nothing jumps to it any more."""

    chain: str


@frozen
class JumpDelete:
    """Delete rule number `index` (from 0) of a built-in chain; `line` is what it says."""

    chain: str
    index: int
    line: Line


@frozen
class JumpInsert:
    """Insert a jump of ours as rule number `index` (from 0) of a built-in chain."""

    chain: str
    index: int
    rule: Rule


USER = "DOCKER-USER"  # The administrator's own chain: Docker promises never to touch it.
Edit = ChainSet | ChainDelete | ChainMake | ChainRemove | JumpDelete | JumpInsert


def edits_of(live: Table, wanted: OwnTable, *, docker_was_ours: bool = False) -> list[Edit]:
    """Return the edits in the order in which they work, [] where nothing is missing.

    Indexes count in the table as it is when their turn comes. Chains are made before anything
    jumps to them, and deleted after. `docker_was_ours`: the chain DOCKER was made by us, and goes
    when no setting wants it any more, nothing is in it and nobody else jumps to it.
    """
    edits: list[Edit] = []
    if wanted.docker_chain and DOCKER not in live.policies:
        edits.append(ChainMake(DOCKER))
    for chain, rules in wanted.chains.items():
        if not _same(live.chain(chain), rules) or chain not in live.policies:
            edits.append(ChainSet(chain, rules))
    for chain in _chains(live, wanted):
        sources = [rule.source for rule in wanted.chains.get(chain, ()) if rule.source]
        edits += _jumps(live, chain, sources, wanted=chain in wanted.chains)
    gone = [chain for chain in live.own_chains if chain not in wanted.chains]
    edits += [ChainDelete(chain) for chain in gone]
    if docker_was_ours and not wanted.docker_chain and _unused(live, DOCKER):
        edits.append(ChainRemove(DOCKER))
    return edits


def _unused(live: Table, chain: str) -> bool:
    jumps = [rule for rule in live.foreign if rule.target == chain]
    return chain in live.policies and not live.chain(chain) and not jumps


def _chains(live: Table, wanted: OwnTable) -> list[str]:
    parents = set(PARENTS.values())
    jumped = {rule.target for rule in live.rules if rule.chain in parents}
    return [c for c in PARENTS if c in jumped or c in wanted.chains]


def _same(live: tuple[Line, ...], rules: tuple[Rule, ...]) -> bool:
    fresh = [Line("", rule.line()).identity for rule in rules]
    return [line.identity for line in live] == fresh


def _jumps(live: Table, chain: str, sources: list[IPv4Network], *, wanted: bool) -> list[Edit]:
    parent = PARENTS[chain]
    rules = live.chain(parent)
    places = [n for n, rule in enumerate(rules) if rule.target == chain]
    if wanted and len(places) == 1 and _well_placed(chain, rules, places[0], sources):
        return []
    if not wanted and not places:
        return []
    # From the last on, so that each index still counts.
    edits: list[Edit] = [JumpDelete(parent, n, rules[n]) for n in reversed(places)]
    if wanted:
        left = [rule for rule in rules if rule.target != chain]
        edits.append(JumpInsert(parent, _place(chain, left), jump(chain)))
    return edits


def _place(chain: str, others: list[Line]) -> int:
    """First of all, but in FORWARD right after what the administrator has in DOCKER-USER, or last.

    There, a rule of ours must not let through what somebody else forbids.
    """
    if chain != FORWARD:
        return 0
    user = [n for n, rule in enumerate(others) if rule.target == USER]
    return user[0] + 1 if user else len(others)


def is_dockers(rule: Line) -> bool:
    """True for a jump to a chain of Docker's own, not to the administrator's or ours."""
    return rule.target.startswith(DOCKER) and rule.target not in (USER, FORWARD)


def _well_placed(
    chain: str, rules: tuple[Line, ...], place: int, sources: list[IPv4Network]
) -> bool:
    """False where a rule before ours decides about a packet that ours are for.

    Others may insist on being first too; who is harmless stays there.
    """
    plain = identity_of(Line("", jump(chain).line()).options)
    if rules[place].identity != plain:
        return False
    before = rules[:place]
    if chain == FORWARD:
        users = [n for n, rule in enumerate(rules) if rule.target == USER]
        dockers = [n for n, rule in enumerate(rules) if is_dockers(rule)]
        return not users or users[0] < place < min([*dockers, place + 1])
    if chain == POSTROUTING:
        return not any(rule.target in ENDING and _meets(rule, sources) for rule in before)
    return not any(rule.target in ENDING or rule.target == DOCKER for rule in before)


def _meets(rule: Line, sources: list[IPv4Network]) -> bool:
    """True unless the rule is for other sources than ours, another Docker network for instance."""
    return rule.source is None or any(rule.source.overlaps(source) for source in sources)


def missing_of(live: Table, wanted: OwnTable) -> list[str]:
    """Return what of ours is not as it shall be, in sentences; [] where all is."""
    found: list[str] = []
    for edit in edits_of(live, wanted):
        if isinstance(edit, ChainMake) or (
            isinstance(edit, ChainSet) and edit.chain not in live.policies
        ):
            found.append(f"the chain {edit.chain} was gone")
        elif isinstance(edit, ChainSet):
            found.append(f"the rules of {edit.chain} were others")
        elif isinstance(edit, ChainDelete):
            found.append(f"the chain {edit.chain} was left over")
        elif isinstance(edit, JumpInsert):
            before = [rule for rule in live.chain(edit.chain) if rule.target == edit.rule.target]
            how = "was not where it decides" if before else "was gone"
            found.append(f"the jump from {edit.chain} to {edit.rule.target} {how}")
    return found
