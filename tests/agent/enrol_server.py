"""Serves what hosts/views_enrol.py serves, without a database, at an address of the lab."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hosts.bundle import bundle, install_script
from netops.agent.config import AgentConfig


class EnrolServer:
    """Hands out the archive of `configs[token]`, once for each token; use as a context manager."""

    def __init__(self, address: str) -> None:
        self.configs: dict[str, AgentConfig] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                return

            def do_GET(self) -> None:
                self._reply(200, "text/x-python", install_script())

            def do_POST(self) -> None:
                token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
                config = outer.configs.pop(token, None)
                if config is None:
                    self._reply(403, "text/plain", b"This enrolment token was used already.\n")
                else:
                    self._reply(200, "application/gzip", bundle(config))

            def _reply(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_port}"

    def __enter__(self) -> EnrolServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
