"""How this host reaches the broker: one Celery app for its queue, one client for its stream.

The settings leave two connections and one BRPOP in ten seconds on an idle host; the only keys
touched are the host's own queue and stream (docs/adr, kombu/transport/redis.py).
"""

from __future__ import annotations

from typing import Any, cast

import redis
from celery import Celery
from kombu.entity import Exchange, Queue
from redis.backoff import NoBackoff
from redis.retry import Retry

from netops.agent.config import AgentConfig
from netops.wire import queue_name, stream_name

POLL_S = 10.0
# Above POLL_S, or an idle connection would be taken for a dead one.
SOCKET_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
# If nobody reads for half a day the oldest entries go; events of jobs stay on this disk and are
# asked for again.
STREAM_LENGTH = 10_000


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
    return app


class Stream:
    """The host's stream on the broker, to be used by one thread."""

    def __init__(self, config: AgentConfig) -> None:
        self._name = stream_name(config.host_id)
        self._client = redis.Redis.from_url(
            config.broker_url,
            socket_timeout=CONNECT_TIMEOUT_S * 2,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_keepalive=True,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),
        )

    def add(self, text: str) -> None:
        """Append a sealed message (XADD); raises redis.RedisError or OSError."""
        fields = cast(Any, {"m": text})
        self._client.xadd(self._name, fields, maxlen=STREAM_LENGTH, approximate=True)

    def close(self) -> None:
        """End the connection."""
        self._client.close()
