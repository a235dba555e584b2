"""One round on a real host: a change waits, others act, it ends, the end is judged."""

from __future__ import annotations

import time
from collections.abc import Mapping
from subprocess import TimeoutExpired

import attrs

from lab.command import LabError
from tests.faults.hosts.rounds.drawing import Round, act_draw
from tests.faults.hosts.rounds.ground import Ground
from tests.faults.hosts.rounds.judge import Verdict, judge, ports_asked, where
from tests.faults.hosts.rounds.model import CANCEL, CONFIRM, POWER, REVERT, Expected
from tests.faults.hosts.stage import Change
from tests.faults.hosts.whole import Seen, look
from tests.root.in_host import serves

# After a boot, or a start of Docker, containers may still be on their way.
SETTLES_S, SETTLES_AFTER_BOOT_S = 10.0, 30.0
ENDS_S = 300.0
# An act is begun only while so much of the window is left: it must not meet the way back.
ROOM_S = 8.0


class RoundFailed(AssertionError):
    """A round whose host is broken, or is not what is said of it; with all that was seen."""


@attrs.frozen
class Played:
    """A round that held: the kinds of its acts, `host` old or new, how long it took."""

    round: Round
    kinds: tuple[str, ...]
    host: str
    seconds: float


@attrs.define
class _Play:
    """A round under way, with what it has seen so far: the report of a failure needs all of it."""

    ground: Ground
    round: Round
    expected: Expected
    before: Seen
    change: Change
    acts: list[str] = attrs.field(factory=list)
    kinds: list[str] = attrs.field(factory=list)
    seen: Seen = attrs.field(factory=dict)


def play(ground: Ground, drawn: Round) -> Played:
    """Play one round.

    Raises RoundFailed with the whole story when the host, or what is said of it, is not right.
    """
    begun = time.monotonic()
    ground.begin(explicit=drawn.explicit)
    play = _begun(ground, drawn)
    try:
        until = _window(play)
        _act(play, until)
        _end(play)
        verdict = _judged(play)
        if verdict.faults:
            raise AssertionError("\n".join(verdict.faults))
        ground.stage.events(play.change)
    except (AssertionError, LabError, TimeoutExpired) as error:
        raise RoundFailed(_story(play, error)) from error
    seconds = round(time.monotonic() - begun, 1)
    return Played(drawn, tuple(sorted(set(play.kinds))), verdict.host, seconds)


def _begun(ground: Ground, drawn: Round) -> _Play:
    """Ask for the change that the round is about."""
    expected, before = ground.expected(drawn.subnet), look(ground.host)
    change = ground.stage.ask(
        ground.host,
        "subnet",
        {"network": "bridge", "subnet": drawn.subnet},
        confirm="person",
        confirm_window_s=drawn.window_s,
    )
    return _Play(ground, drawn, expected, before, change)


def _window(play: _Play) -> float:
    """Approve the change, wait until it waits; return when the window ends (monotonic seconds)."""
    stage = play.ground.stage
    stage.approve(play.change)
    seen = stage.site.clients["carol"].wait(
        f"/changes/{play.change['id']}",
        lambda c: c["state"] not in ("approved", "running") or (c["job"] or {})["confirm_until"],
        "the wait for a confirm",
        timeout=ENDS_S,
    )
    assert seen["state"] == "running", f"it did not come to its window: {seen['state']}"
    return time.monotonic() + play.round.window_s


def _act(play: _Play, until: float) -> None:
    """Do the acts one after the other, and note in the model what they make true."""
    for number in range(play.round.acts):
        kind, act = act_draw(play.round.rng(f"act {number}"), play.expected)
        if until - time.monotonic() < ROOM_S:
            play.acts.append(f"{kind}: not begun, the window was nearly over")
            return
        done = play.ground.host.run(act.command, check=False, timeout=120)
        printed = (done.stdout + done.stderr).strip()
        play.acts.append(f"{kind}: {act.command}\n    exit {done.returncode}: {printed}")
        assert done.returncode == 0 or act.may_fail, f"an act failed ({kind}): {printed}"
        play.kinds.append(kind)
        if done.returncode == 0:
            act.effect(play.expected, done.stdout)


def _end(play: _Play) -> None:
    """Let the change end as the round has it."""
    ending, host = play.round.ending, play.ground.host
    if ending in (CONFIRM, CANCEL):
        path = f"/changes/{play.change['id']}/{ending}"
        play.ground.stage.site.clients["alice"].call("POST", path)
    elif ending == REVERT:
        done = host.run("dockernet-agent revert", check=False, timeout=ENDS_S)
        play.acts.append(f"revert: exit {done.returncode}: {done.stdout}{done.stderr}")
    elif ending == POWER:
        host.power_off()
        play.expected.power_lost()
        host.boot()


def _judged(play: _Play) -> Verdict:
    """Judge the end, again and again for a while: containers may be on their way."""
    stage, ending = play.ground.stage, play.round.ending
    ended = stage.ended(play.change, ENDS_S)
    message = stage.events(play.change)[-1]["message"]
    settles_s = SETTLES_AFTER_BOOT_S if ending == POWER else SETTLES_S
    deadline = time.monotonic() + settles_s
    while True:
        play.seen = _look(play)
        asked = ports_asked(play.expected, ending, where(play.expected, play.seen))
        answers = {port: serves(play.ground.host, port) for port in asked}
        said = (ended["state"], message)
        verdict = judge(play.expected, ending, play.seen, play.before, said, answers)
        if not verdict.faults or time.monotonic() > deadline:
            return verdict
        time.sleep(0.5)


def _look(play: _Play) -> Seen:
    host = play.ground.host
    others = {path: host.run(["cat", path], check=False).stdout for path in play.expected.files}
    return {**look(host), "others": others}


def _story(play: _Play, error: BaseException) -> str:
    """Return all that is needed to understand a failed round and to play it again."""
    drawn = play.round
    again = (
        f"DOCKERNET_FAULT_SEED={drawn.seed} DOCKERNET_FAULT_ROUNDS={drawn.number + 1} "
        f"./dockernet test 'tests/faults/hosts/test_rounds.py::test_a_round_holds[{drawn}]'"
    )
    parts = {
        "wrong": str(error) or type(error).__name__,
        "acts": "\n".join(play.acts),
        "ending": f"{drawn.ending}, window {drawn.window_s} s, bip before: {drawn.explicit}",
        "model": _lines(attrs.asdict(play.expected, recurse=False)),
        "found": _lines(play.seen),
        "events": _events(play),
        "docker": _shown(play, "docker ps -a; docker network ls; cat /etc/docker/daemon.json"),
        "agent's log": _shown(
            play, "tail -n 40 /var/log/dockernet-agent.log || journalctl -u dockernet-agent -n 40"
        ),
        "dockerd's log": _shown(
            play, "tail -n 15 /var/log/docker.log || journalctl -u docker -n 15"
        ),
        "again": again,
    }
    told = "\n".join(f"--- {title}\n{text}" for title, text in parts.items())
    return f"round {drawn} of seed {drawn.seed}\n{told}"


def _lines(told: Mapping[str, object]) -> str:
    """Return a mapping for people: a line for each key, and for each key of a mapping in it."""
    lines = []
    for key, value in told.items():
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        lines += [f"{key} {name}: {shown}" for name, shown in inner]
    return "\n".join(lines)


def _events(play: _Play) -> str:
    """The change's history as far as it goes; the stream of a change that hangs does not end."""
    try:
        found = list(play.ground.stage.site.clients["carol"].events(play.change["id"], timeout=5))
    except OSError as error:
        return f"(no end: {error})"
    return "\n".join(f"{e['seq']} {e['type']} {e['message']}" for e in found)


def _shown(play: _Play, command: str) -> str:
    """What a command prints on the host, whatever it is that fails."""
    try:
        done = play.ground.host.run(command, check=False, timeout=30)
    except (LabError, TimeoutExpired) as error:
        return f"(nothing: {error})"
    return str(done.stdout + done.stderr)
