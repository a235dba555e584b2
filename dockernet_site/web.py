"""`python -m dockernet_site.web PORT ADDRESS...`: the pages and the API, by uvicorn."""

from __future__ import annotations

import socket
import sys

import uvicorn

GRACE_S = 3


def listener(address: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named, or asyncio does not know it for TCP and leaves Nagle's delay of 40 ms on (RFC 896).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((address, port))
    made.set_inheritable(True)
    return made


def main(argv: list[str]) -> None:
    """Serve until SIGTERM; streams that are open then are closed after GRACE_S seconds."""
    port, addresses = int(argv[0]), argv[1:]
    config = uvicorn.Config(
        "dockernet_site.asgi:application",
        timeout_graceful_shutdown=GRACE_S,
        access_log=False,
        log_level="warning",
        server_header=False,
        # audit/origin.py decides alone whom X-Forwarded-For and -Proto are believed.
        proxy_headers=False,
        lifespan="off",
    )
    uvicorn.Server(config).run(sockets=[listener(address, port) for address in addresses])


if __name__ == "__main__":
    main(sys.argv[1:])
