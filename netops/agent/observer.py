"""Hears at once when links, addresses, routes, firewall rules or Docker change, at next to no cost
while nothing does: two netlink sockets and one HTTP stream, none of them with a library."""

from __future__ import annotations

import contextlib
import errno
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from netops.agent.rules_watch import RulesWatch
from netops.engine.errors import OperationFailed

QUIET_S = 0.3
LONGEST_QUIET_S = 1.0
RECONNECT_S = 2.0
SCAN_S = 10.0

# linux/rtnetlink.h
_GROUPS = 0x1 | 0x10 | 0x40  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE
_BUFFER = 256 * 1024

DOCKER_SOCKET = "/var/run/docker.sock"
DOCKER_PIDS = ("/var/run/docker.pid", "/run/docker.pid")
# Health checks and `docker exec` make events all day that say nothing about the network.
_FILTERS = {
    "type": ["container", "network", "daemon"],
    "event": [
        *("create", "start", "die", "destroy", "rename", "pause", "unpause", "update"),
        *("connect", "disconnect", "remove", "reload"),
    ],
}


class Observer:
    """Calls `on_change` from its own thread, once for each burst of events, and `on_rules` as soon
    as somebody writes firewall rules, `on_docker` as soon as Docker tells of an event: our rules
    follow it, and with "iptables": false it writes none that `on_rules` could hear.

    `docker_socket` and `pid_files` are paths of the engine's socket and of the files that may
    hold its process id.
    """

    def __init__(
        self,
        on_change: Callable[[], None],
        on_rules: Callable[[], None] = lambda: None,
        on_docker: Callable[[], None] = lambda: None,
        *,
        docker_socket: str = DOCKER_SOCKET,
        pid_files: tuple[str, ...] = DOCKER_PIDS,
    ) -> None:
        self._on_change = on_change
        self._on_rules = on_rules
        self._on_docker = on_docker
        self._docker_socket = docker_socket
        self._pid_files = pid_files
        self._docker: socket.socket | None = None
        self._quiet = threading.Event()
        self._next_try = 0.0
        self._next_scan = 0.0
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Begin to listen; what happens from now on is heard."""
        self._netlink = _netlink_open()
        self._rules = RulesWatch()
        self._docker_connect()
        self._thread.start()

    def hear_docker(self, heard: bool) -> None:
        """Let go of Docker's event stream while a job may stop Docker, and take it up again after.

        dockerd of 23.0 and newer waits 5 s, containers down, for a client that still listens
        (measured on 26.1 and 28.5: a stop took 5.5 s instead of 0.5 s).
        """
        if heard:
            self._quiet.clear()
        else:
            self._quiet.set()
        stream = self._docker
        if not heard and stream is not None:
            with contextlib.suppress(OSError):  # It may have ended by itself.
                stream.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        while True:
            if self._wait(None):
                self._settle_down()
                self._on_change()

    def _settle_down(self) -> None:
        """Wait for QUIET_S without an event, but no longer than LONGEST_QUIET_S in all."""
        deadline = time.monotonic() + LONGEST_QUIET_S
        while time.monotonic() < deadline:
            if not self._wait(QUIET_S):
                return

    def _wait(self, timeout_s: float | None) -> bool:
        """Wait for something to happen; False when nothing did within `timeout_s` seconds."""
        sockets: list[socket.socket] = [self._netlink, *self._rules.sockets]
        if self._docker is not None:
            sockets.append(self._docker)
        elif timeout_s is None:
            timeout_s = RECONNECT_S
        if timeout_s is None:
            timeout_s = self._rules.poll_s
        ready, _, _ = select.select(sockets, [], [], timeout_s)
        heard = False
        if self._rules.written(ready):
            self._on_rules()
        if self._netlink in ready:
            _netlink_drain(self._netlink)
            heard = True
        if self._docker in ready:
            heard = True
            if not self._docker_drain():
                self._docker_close()
            self._on_docker()
        if self._docker is None and self._docker_connect():
            heard = True
            self._on_docker()
        return heard

    def _docker_connect(self) -> bool:
        """Open Docker's event stream if dockerd runs; True if it does so anew."""
        now = time.monotonic()
        # Where systemd listens on the socket for a dockerd that somebody has stopped, connecting
        # would start it again.
        if self._quiet.is_set() or now < self._next_try or not self._dockerd_runs(now):
            return False
        self._next_try = now + RECONNECT_S
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(2.0)
        try:
            stream.connect(self._docker_socket)
            stream.sendall(_docker_request())
            _docker_read_header(stream)
        except (OSError, OperationFailed):
            stream.close()
            return False
        stream.setblocking(False)
        self._docker = stream
        if self._quiet.is_set():  # A job has begun meanwhile.
            self._docker_close()
        return self._docker is not None

    def _docker_drain(self) -> bool:
        """Read what is there; False when Docker has ended the stream."""
        assert self._docker is not None
        try:
            while data := self._docker.recv(65536):
                if len(data) < 65536:
                    return True
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _docker_close(self) -> None:
        if self._docker is not None:
            self._docker.close()
        self._docker = None
        self._next_try = time.monotonic() + RECONNECT_S / 4

    def _dockerd_runs(self, now: float) -> bool:
        for path in self._pid_files:
            try:
                pid = int(Path(path).read_text())
            except (OSError, ValueError):
                continue
            if Path(f"/proc/{pid}").exists():
                return True
        if now < self._next_scan:
            return False
        self._next_scan = now + SCAN_S
        return _process_named("dockerd")


def _netlink_open() -> socket.socket:
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    netlink.bind((0, _GROUPS))
    return netlink


def _netlink_drain(netlink: socket.socket) -> None:
    """Read all that waits. What exactly changed does not matter: the host is looked at whole, so
    that messages lost to an overflow (ENOBUFS, netlink(7)) cost nothing."""
    while True:
        try:
            netlink.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise


def _docker_request() -> bytes:
    filters = quote(json.dumps(_FILTERS, separators=(",", ":")))
    return f"GET /events?filters={filters} HTTP/1.0\r\nHost: docker\r\n\r\n".encode()


def _docker_read_header(stream: socket.socket) -> None:
    """Read up to the end of the HTTP header; raises OperationFailed unless it says 200."""
    header = b""
    while b"\r\n\r\n" not in header:
        data = stream.recv(4096)
        header += data
        if not data or len(header) > 65536:
            raise OperationFailed("Docker does not answer in HTTP.")
    if b" 200 " not in header.split(b"\r\n", 1)[0] + b" ":
        raise OperationFailed("Docker does not give its events.")


def _process_named(name: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                return True
        except OSError:
            continue
    return False
