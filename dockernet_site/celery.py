"""The site's Celery app: publishes to the queues of the hosts and runs the site's own tasks.

The hosts' app is another one (`netops/agent/`); the two share only the names in `netops/wire.py`.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from django.conf import settings
from kombu.entity import Exchange, Queue

from dockernet_site.broker_link import celery_tls
from dockernet_site.ticker import Ticker
from notify.messenger import Mailer, Messenger, Poster

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dockernet_site.settings")

# A site may well run as root; its worker takes nothing but JSON, from its own queue.
warnings.filterwarnings("ignore", category=SecurityWarning)

SITE_QUEUE = "dn:site:q"
_QUEUES: list[Any] = [Queue(SITE_QUEUE, Exchange(""), routing_key=SITE_QUEUE)]  # type: ignore[no-untyped-call]

app = Celery("dockernet", broker=settings.REDIS_URL or "redis://127.0.0.1:1/0", backend=None)
app.conf.update(
    # The empty exchange, as on the hosts: with one of its own Celery binds the queue to it and
    # writes _kombu.binding.* keys, which the site's user on a broker of its own may not.
    task_queues=_QUEUES,
    task_default_queue=SITE_QUEUE,
    task_default_exchange="",
    task_default_routing_key=SITE_QUEUE,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    worker_enable_remote_control=False,
    worker_disable_prefetch=True,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    # Without ack emulation and priorities the queue is the only key that is touched, and a task
    # is never delivered twice.
    broker_transport_options={
        "ack_emulation": False,
        "priority_steps": [0],
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "polling_interval": 1,
        "health_check_interval": 30,
    },
    imports=["netops.tasks"],
    broker_use_ssl=celery_tls(settings.REDIS_URL, settings.DOCKERNET_BROKER_CA),
)

app.steps["worker"].add(Ticker)
app.steps["worker"].update((Messenger, Mailer, Poster))
