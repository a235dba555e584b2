"""The site's own Celery tasks: thin, safe to run twice."""

from __future__ import annotations

from dockernet_site.celery import app
from hosts.services.presence import offline_mark
from hosts.services.rotation import rotations_send
from netops.services import sweeps


@app.task(name="dockernet.sweep", ignore_result=True)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Put right what does not come right by itself; every few seconds (dockernet_site/ticker)."""
    offline_mark()
    sweeps.plans_ask_again()
    sweeps.jobs_send()
    sweeps.jobs_settle()
    sweeps.changes_expire()
    rotations_send()
