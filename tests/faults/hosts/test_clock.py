"""The host's clock is an hour off: no job runs late in silence, each refusal says why."""

from __future__ import annotations

from lab.host import LabHost
from tests.faults.hosts.amid import job_asked
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import lasting, look

MAIN = "/opt/dockernet/lib/netops/agent/__main__.py"
SHIFT = """
import datetime as _datetime, time as _time  # by a test: the clock of the agent is off
_off = {seconds}
_now = _time.time
_time.time = lambda: _now() + _off
class _Shifted(_datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + _datetime.timedelta(seconds=_off)
_datetime.datetime = _Shifted
"""


def clock_shift(host: LabHost, seconds: int) -> None:
    """Put the clock of the agent and of all its processes off by so many seconds."""
    text = host.read(MAIN)
    first = "\nimport sys\n"
    assert text.count(first) == 1
    host.write(MAIN, text.replace(first, SHIFT.format(seconds=seconds) + first))
    host.run("service dockernet-agent restart")


def test_a_host_whose_clock_is_an_hour_ahead_says_why_it_refuses(
    stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        clock_shift(host, 3600)
        job = job_asked(stage, host)
        job.approve()
        ended = stage.ended(job.change)
        assert ended["state"] == "expired", ended
        last = stage.events(job.change)
        assert "clock" in last[-1]["message"]
        assert lasting(look(host)) == lasting(job.before)
        record.trouble("clock: the host's an hour ahead", host.init, "expired", 0.0)


def test_a_host_whose_clock_is_an_hour_behind_carries_a_job_out(
    stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        clock_shift(host, -3600)
        job = job_asked(stage, host)
        job.approve()
        assert job.proved() == "succeeded"
        record.trouble("clock: the host's an hour behind", host.init, "succeeded", job.took_s)
