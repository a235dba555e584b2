"""Docker's networks and who is in them, in two requests and without the SDK.

The agent's worker asks after each burst of Docker's events: the SDK would cost it 20 MB, and an
inspect of each container 2 ms.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from netops.engine.adapters.docker_read import read_endpoint, read_network
from netops.engine.errors import OperationFailed
from netops.engine.nat.places import Place, Places

_READ_S = 10.0


def docker_places(path: str) -> Places:
    """Return the places that the Docker behind the socket `path` tells.

    Raises OperationFailed when Docker does not answer, or not in time.
    """
    networks = tuple(read_network(data) for data in _get(path, "/networks"))
    listed = _get(path, "/containers/json?all=1")
    return Places(networks, tuple(place for data in listed for place in read_places(data)))


def read_places(data: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the places of a container from an entry of GET /containers/json.

    A link adds names such as /other/alias; the container's own has one stroke.
    """
    own = [name for name in data.get("Names") or [] if name.count("/") == 1]
    networks = (data.get("NetworkSettings") or {}).get("Networks") or {}
    for network, endpoint in sorted(networks.items()):
        place = read_endpoint(network, endpoint or {})
        yield Place(
            container=own[0].lstrip("/") if own else "",
            network=network,
            state=data.get("State") or "",
            ipv4=place.ipv4,
            fixed=place.static_ipv4 is not None,
        )


def _get(path: str, url: str) -> Any:
    connection = http.client.HTTPConnection("docker", timeout=_READ_S)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_READ_S)
        connection.sock.connect(path)
        connection.request("GET", url)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OperationFailed(f"GET {url}: no answer from Docker ({error})") from error
    finally:
        connection.close()
    if answer.status != 200 or not isinstance(body, list):
        raise OperationFailed(f"GET {url}: Docker answers {answer.status}.")
    return body
