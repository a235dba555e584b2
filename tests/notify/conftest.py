"""People, a change that waits, and real receivers: an HTTP server and a mail server."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from netops.models import Change
from people.models import User
from tests.pages import world
from tests.pages.conftest import browse, people, quick, web

__all__ = ["browse", "people", "quick", "web"]


@pytest.fixture
def waiting(people: dict[str, User]) -> Change:
    """alice's change of web-1 (production), which waits for approval."""
    return world.Story(world.host("web-1"), people["alice"]).planned().change


class Receiver(ThreadingHTTPServer):
    """Takes what is posted; answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.taken: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class MailSink(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it gets."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.refuses = False
        self.taken: list[tuple[str, Message]] = []


class _Smtp(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._say("220 sink")
        to = ""
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b"RCPT"):
                to = line.decode().split("<")[1].split(">")[0]
                self._say("450 not now" if self.server.refuses else "250 ok")
            elif verb == b"DATA":
                self._say("354 go on")
                body = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    body += line
                self.server.taken.append((to, message_from_bytes(body)))
                self._say("250 kept")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def _running(server: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A receiver of webhooks on this machine, which the settings let webhooks go to."""
    settings.DOCKERNET_WEBHOOK_PRIVATE = (ip_network("127.0.0.0/8"),)
    yield from _running(Receiver())


@pytest.fixture
def mail_sink(settings: Settings) -> Iterator[MailSink]:
    """The site's mail server."""
    sink = MailSink()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = sink.server_address[:2]
    settings.DOCKERNET_MAIL = True
    yield from _running(sink)
