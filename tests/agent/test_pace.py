"""When the agent looks at its host."""

from __future__ import annotations

from netops.agent.pace import PERIOD_S, Pace


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def look(pace: Pace, clock: Clock, *, different: bool) -> None:
    pace.looking()
    clock.now += 0.5
    pace.looked(0.5, different=different)


def test_it_looks_at_once_when_something_changed() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.due() == ("", PERIOD_S)
    pace.changed()
    assert pace.due() == ("changed", 0.0)
    for _ in range(5):
        look(pace, clock, different=True)
        assert pace.due()[0] == ""
        pace.changed()
        assert pace.due()[0] == "changed"


def test_it_looks_seldom_at_a_host_that_never_rests() -> None:
    for different, most in ((True, 150), (False, 60)):
        clock = Clock()
        pace, looks, end = Pace(clock), 0, Clock.now + 600
        while clock.now < end:
            pace.changed()
            cause, wait_s = pace.due()
            if cause:
                look(pace, clock, different=different)
                looks += 1
            else:
                assert wait_s > 0
                clock.now += wait_s
        assert 30 < looks < most


def test_it_is_as_quick_as_ever_after_a_rest() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(20):
        look(pace, clock, different=False)
    pace.changed()
    assert pace.due()[0] == ""
    clock.now += 250
    assert pace.due()[0] == "changed"


def test_it_looks_now_and_then_without_any_change() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += PERIOD_S
    assert pace.due() == ("periodic", 0.0)
    look(pace, clock, different=False)
    assert pace.due() == ("", PERIOD_S)
