"""How this host speaks to the site: its stream on the broker, one connection for each Stream."""

from __future__ import annotations

from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from netops.agent.config import AgentConfig
from netops.wire import stream_name

CONNECT_TIMEOUT_S = 5.0
# If nobody reads for half a day the oldest entries go; events of jobs stay on this disk and are
# asked for again.
STREAM_LENGTH = 10_000


def tls_options(config: AgentConfig) -> dict[str, Any]:
    """Return how redis-py and Celery check a broker of rediss://: always; {} without TLS."""
    if not config.broker_url.startswith("rediss://"):
        return {}
    options: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    return options | ({"ssl_ca_certs": config.broker_ca} if config.broker_ca else {})


def why_away(error: Exception, config: AgentConfig) -> str:
    """Return why the broker cannot be reached, for the log, with what to do where TLS fails."""
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return str(error)
    trusted = config.broker_ca or "the authorities that this system trusts"
    return f"its certificate is not for its name, or not from {trusted} ({error})"


class Stream:
    """The host's stream on the broker, to be used by one thread; connects when it first sends."""

    def __init__(self, config: AgentConfig, *, timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        self._name = stream_name(config.host_id)
        self._client = redis.Redis.from_url(
            config.broker_url,
            socket_timeout=timeout_s * 2,
            socket_connect_timeout=timeout_s,
            socket_keepalive=True,
            health_check_interval=0,
            retry=Retry(NoBackoff(), 0),
            **tls_options(config),
        )

    def add(self, text: str) -> None:
        """Append a sealed message (XADD); raises redis.RedisError or OSError."""
        fields = cast(Any, {"m": text})
        self._client.xadd(self._name, fields, maxlen=STREAM_LENGTH, approximate=True)

    def close(self) -> None:
        """End the connection."""
        self._client.close()
