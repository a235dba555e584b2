"""A UDP service in a container, and a client outside of the host that never rests."""

from __future__ import annotations

import subprocess
import sys
from types import TracebackType
from typing import Any

from lab.host import LabHost

ECHO = """
import socket, sys
service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
service.bind(("", int(sys.argv[1])))
while True:
    data, client = service.recvfrom(2048)
    if sys.argv[2] == "answers":
        service.sendto(socket.gethostname().encode(), client)
"""
# The interpreter is the host's own: the lab's image has only a busybox, without UDP.
INTERPRETER = (
    *("-v", "/usr:/usr:ro"),
    *("-v", "/usr/lib:/lib:ro"),
    *("-v", "/usr/lib64:/lib64:ro"),
)
RESTLESS = """
import os, select, socket, sys, time
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect((sys.argv[1], int(sys.argv[2])))
asked, number, due = {}, 0, 0.0
def line(text):
    print(text, flush=True)
waits_for, until = None, 0.0
while True:
    now = time.monotonic()
    if now >= due:
        due, number = now + 0.05, number + 1
        try:
            client.send(str(number).encode())
        except OSError:
            pass
    if waits_for is not None and now > until:
        line("")
        waits_for = None
    ready, _, _ = select.select([client, 0], [], [], max(0.0, due - now))
    if client in ready:
        try:
            answer = client.recv(2048).decode()
        except OSError:
            continue
        if waits_for is not None:
            line(answer)
            waits_for = None
    if 0 in ready:
        if not os.read(0, 100):
            break
        # What was in the socket already is of before the question.
        waits_for, until = number, now + 2.0
        client.setblocking(False)
        try:
            while True:
                client.recv(2048)
        except OSError:
            pass
        client.setblocking(True)
"""


def start_udp(host: LabHost, name: str, port: int, *, answers: bool = True, **options: Any) -> None:
    """Start a container that takes datagrams on a published port, and answers with its name."""
    host.start_container(
        name,
        publish=[f"{port}:{port}/udp"],
        args=INTERPRETER,
        command=["/usr/bin/python3", "-c", ECHO, str(port), "answers" if answers else "listens"],
        **options,
    )


class Restless:
    """A client outside that sends from one port every 50 ms, whether or not an answer comes."""

    def __init__(self, host: LabHost, port: int) -> None:
        argv = [sys.executable, "-c", RESTLESS, str(host.address), str(port)]
        pipe = subprocess.PIPE
        self._client = host.segment.popen_outside(argv, stdin=pipe, stdout=pipe, text=True)

    def __enter__(self) -> Restless:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.kill()
        self._client.wait()

    def served_by(self) -> str:
        """Who answers it within two seconds from now, "" if nobody does."""
        self._client.stdin.write("?\n")
        self._client.stdin.flush()
        return str(self._client.stdout.readline()).strip()
