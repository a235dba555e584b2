"""What is asked of a host that is heard from again."""

from __future__ import annotations

from hosts.models import Host
from netops.models import Job
from netops.services.jobs import events_ask
from netops.states import State


def settle_after_return(host: Host) -> None:
    """Ask the host's journal at once about jobs whose end is not known."""
    jobs = Job.objects.filter(change__host=host, change__state=State.UNKNOWN, finished_at=None)
    for job in jobs:
        events_ask(job=job, host=host)
