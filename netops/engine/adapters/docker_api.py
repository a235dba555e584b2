"""The Docker Engine API on the host's own socket, with the Docker SDK's low-level client."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network
from typing import Any, TypeVar

from attrs import evolve

from netops.engine.adapters.container_record import manually_stopped
from netops.engine.adapters.docker_places import docker_places
from netops.engine.adapters.docker_read import (
    MASQUERADE,
    read_container,
    read_daemon,
    read_network,
)
from netops.engine.adapters.stop_signal import heeds_signal
from netops.engine.errors import OperationFailed
from netops.engine.nat.places import Places
from netops.engine.observed import Container, DockerDaemon, DockerNetwork

T = TypeVar("T")

SOCKET = "/run/docker.sock"
# FirewallBackend came with 1.49; nothing newer is read. 1.24 is the oldest that the SDK speaks.
NEWEST_API, OLDEST_API = "1.49", "1.24"
_READ_S = 20.0
_STOP_S = 10  # Docker's own time limit between the stop signal and SIGKILL
_POLL_S = 0.01
_INHIBIT = "com.docker.network.bridge.inhibit_ipv4"


class DockerEngine:
    """The Docker Engine, as `ports.DockerApi` asks for it; every method may run in any thread.

    Args:
        path: the unix socket.
        find_pid: returns dockerd's pid, None when it does not run. It is asked before each call:
            a connection to a socket that systemd holds would start a stopped daemon.
    """

    def __init__(self, find_pid: Callable[[], int | None], path: str = SOCKET) -> None:
        self._path = path
        self._find_pid = find_pid
        self._lock = threading.Lock()
        self._client: Any = None

    def daemon(self) -> DockerDaemon:
        """Return the running daemon, or DockerDaemon(running=False) when it does not answer."""
        pid = self._find_pid()
        if pid is None:
            return DockerDaemon(running=False)
        try:
            version = self._call("version", lambda api: api.version(api_version=False))
            return read_daemon(version, self._call("info", lambda api: api.info()), pid)
        except OperationFailed:
            return DockerDaemon(running=False, pid=pid)

    def networks(self) -> tuple[DockerNetwork, ...]:
        """Return all networks, by name. Raises OperationFailed when Docker does not answer."""
        found = self._call("network ls", lambda api: api.networks())
        return tuple(sorted((read_network(n) for n in found), key=lambda n: (n.name, n.id)))

    def containers(self) -> tuple[Container, ...]:
        """Return all containers, running or not, by name; each is inspected once.

        One that vanishes meanwhile is left out. Raises OperationFailed when Docker fails.
        """
        listed = self._call("ps -a", lambda api: api.containers(all=True))
        # One after the other: 1.7 ms each, and threads made it slower (Python's lock).
        found = [self.container(entry["Id"]) for entry in listed]
        return tuple(sorted((c for c in found if c is not None), key=lambda c: (c.name, c.id)))

    def places(self) -> Places | None:
        """Return the networks and who is in them, without loading the SDK.

        None when dockerd does not run. Raises OperationFailed when it runs and does not answer.
        """
        return None if self._find_pid() is None else docker_places(self._path)

    def container(self, container_id: str) -> Container | None:
        """Return a container by id or name, None when there is none."""
        found = self._call(
            f"inspect {container_id}", lambda api: api.inspect_container(container_id), gone=None
        )
        if found is None:
            return None
        container = read_container(found)
        if not container.running:
            return evolve(container, manually_stopped=manually_stopped(found))
        heeds = heeds_signal(container.pid, container.stop_signal)
        return evolve(container, heeds_stop_signal=heeds)

    def start(self, container_id: str) -> None:
        """Start a container; one that runs already is fine. Raises OperationFailed."""
        self._call(f"start {container_id}", lambda api: api.start(container_id))

    def pause(self, container_id: str) -> None:
        """Freeze a container. Raises OperationFailed."""
        self._call(f"pause {container_id}", lambda api: api.pause(container_id))

    def network_hold(self, name: str, subnet: IPv4Network, labels: Mapping[str, str]) -> None:
        """Make a network that has `subnet` and nothing else: no address, no route, no translation.

        inhibit_ipv4 keeps dockerd from giving the bridge an address (moby
        libnetwork/drivers/bridge/setup_ipv4_linux.go). Raises OperationFailed.
        """
        ipam = {"Driver": "default", "Config": [{"Subnet": str(subnet)}]}
        self._call(
            f"network create {name}",
            lambda api: api.create_network(
                name,
                driver="bridge",
                options={_INHIBIT: "true", MASQUERADE: "false"},
                ipam=ipam,
                internal=True,
                labels=dict(labels),
                check_duplicate=True,
            ),
        )

    def network_remove(self, name: str) -> None:
        """Remove a network by name or id; one that is gone is fine. Raises OperationFailed."""
        self._call(f"network rm {name}", lambda api: api.remove_network(name), gone=None)

    def stop(self, container_id: str, timeout_s: int | None = None) -> None:
        """Stop a container, by SIGKILL after `timeout_s` (None: its own time limit).

        One that is stopped or gone (--rm) is fine. Raises OperationFailed.
        """
        limit = self._stop_limit(container_id) if timeout_s is None else timeout_s

        def stop(api: Any) -> Any:
            params = {} if timeout_s is None else {"t": timeout_s}
            url = api._url("/containers/{0}/stop", container_id)
            answer = api._post(url, params=params, timeout=limit + _READ_S)
            api._raise_for_status(answer)

        self._call(f"stop {container_id}", stop, gone=None)

    def wait_until_answering(
        self, timeout_s: float, still_running: Callable[[], bool] | None = None
    ) -> None:
        """Return as soon as dockerd answers GET /_ping with 200; looks every 10 ms.

        Raises OperationFailed after `timeout_s`, or as soon as `still_running()` (looked at four
        times a second) is False.
        """
        deadline = time.monotonic() + timeout_s
        look = time.monotonic() + 0.25
        while not self._answers(max(_POLL_S, deadline - time.monotonic())):
            now = time.monotonic()
            if now > deadline:
                raise OperationFailed(f"dockerd does not answer after {timeout_s:g} s.")
            if still_running and now > look:
                look = now + 0.25
                if not still_running():
                    raise OperationFailed("dockerd ended while it was starting.")
            time.sleep(_POLL_S)
        self._forget_client()

    def _answers(self, timeout_s: float) -> bool:
        if self._find_pid() is None:
            return False
        connection = http.client.HTTPConnection("docker", timeout=timeout_s)
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(timeout_s)
            connection.sock.connect(self._path)
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop_limit(self, container_id: str) -> int:
        container = self.container(container_id)
        limit = container.stop_timeout if container else None
        return _STOP_S if limit is None else limit

    def _call(self, what: str, work: Callable[[Any], T], **gone: T) -> T:
        """Run `work` on the client; with `gone=VALUE` a 404 gives VALUE."""
        from docker.errors import APIError, DockerException, NotFound
        from requests.exceptions import RequestException

        try:
            return work(self._connect())
        except NotFound as error:
            if "gone" in gone:
                return gone["gone"]
            raise OperationFailed(f"docker {what}: {error.explanation}") from error
        except APIError as error:
            raise OperationFailed(f"docker {what}: {error.explanation or error}") from error
        except (RequestException, DockerException, OSError) as error:
            self._forget_client()
            raise OperationFailed(f"docker {what}: no answer from Docker ({error})") from error

    def _connect(self) -> Any:
        if self._find_pid() is None:
            raise OperationFailed("dockerd does not run.")
        with self._lock:
            if self._client is None:
                # Imported when first used, for the sake of what never talks to Docker.
                from docker import APIClient

                url = f"unix://{self._path}"
                probe = APIClient(base_url=url, version=OLDEST_API, timeout=_READ_S)
                try:
                    version = negotiate(probe.version(api_version=False))
                finally:
                    probe.close()
                self._client = APIClient(base_url=url, version=version, timeout=_READ_S)
            return self._client

    def _forget_client(self) -> None:
        """Connect anew at the next call: the daemon, or its version, may be another one."""
        with self._lock:
            self._client = None


def negotiate(version: dict[str, Any]) -> str:
    """Return the API version to speak with the daemon of a GET /version answer.

    Raises OperationFailed when daemon and Dockernet have none in common.
    """
    newest = version.get("ApiVersion", OLDEST_API)
    oldest = version.get("MinAPIVersion", OLDEST_API)
    if _number(oldest) > _number(NEWEST_API) or _number(newest) < _number(OLDEST_API):
        raise OperationFailed(
            f"Docker speaks API {oldest} to {newest}, Dockernet {OLDEST_API} to {NEWEST_API}."
        )
    return str(min(newest, NEWEST_API, key=_number))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
