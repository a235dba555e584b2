"""How this host hears from the site: one Celery app that consumes the host's queue.

The settings leave two connections and one BRPOP in ten seconds on an idle host; the only keys
touched are the host's own queue and stream (docs/adr, kombu/transport/redis.py).
"""

from __future__ import annotations

import ssl
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue

from netops.agent.config import AgentConfig
from netops.agent.stream import CONNECT_TIMEOUT_S, tls_options
from netops.wire import queue_name

POLL_S = 10.0
# Above POLL_S, or an idle connection would be taken for a dead one.
SOCKET_TIMEOUT_S = 30.0


def celery_app(config: AgentConfig) -> Celery:
    """Return the Celery app that consumes this host's queue, without any task yet."""
    queue = queue_name(config.host_id)
    queues: list[Any] = [Queue(queue, Exchange(""), routing_key=queue)]  # type: ignore[no-untyped-call]
    # No fixups: a DJANGO_SETTINGS_MODULE in the environment must not bring a site in here.
    app = Celery("dockernet-agent", broker=config.broker_url, set_as_current=False, fixups=set())
    app.conf.update(
        # The default exchange must be the empty one too, or Celery binds the queue to its own and
        # writes _kombu.binding.* keys that the host has no right to.
        task_default_queue=queue,
        task_default_exchange="",
        task_default_routing_key=queue,
        task_queues=queues,
        task_create_missing_queues=False,
        task_ignore_result=True,
        task_acks_late=False,
        accept_content=["json"],
        timezone="UTC",
        worker_pool="solo",
        worker_concurrency=1,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport="netops.agent.channel:Transport",
        broker_transport_options={
            "ack_emulation": False,
            "priority_steps": [0],
            "polling_interval": POLL_S,
            "socket_timeout": SOCKET_TIMEOUT_S,
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
    )
    options = tls_options(config)
    if options:
        # Celery takes the constants of ssl, not their names (kombu/transport/redis.py).
        app.conf.broker_use_ssl = options | {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return app
