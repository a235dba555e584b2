"""The Celery worker of this host, embedded: one process, no pool, no fan-out."""

from __future__ import annotations

from collections.abc import Callable

from celery.worker import WorkController

from netops.agent.broker import celery_app
from netops.agent.config import AgentConfig
from netops.wire import TASK


def worker_run(config: AgentConfig, receive: Callable[[object], None]) -> int:
    """Consume this host's queue for ever; `receive` gets each sealed text.

    Returns an exit status, never 0, when the consumer cannot go on.
    """
    app = celery_app(config)

    def operate(text: object = None, *_: object, **__: object) -> None:
        receive(text)

    app.task(operate, name=TASK)
    worker = WorkController(
        app=app,
        hostname=f"agent@{config.host_id}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 1)
