"""`python -m dockernet_site.up`: the whole site in the foreground, on this one machine.

up --+-- broker (unless REDIS_URL)      one Redis or Valkey server
     +-- web                            uvicorn, dockernet_site.asgi
     +-- ingest                         manage.py ingest: streams of the hosts to the database
     +-- worker                         Celery: the site's own tasks
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from dockernet_site import env
from dockernet_site.broker import (
    ANY,
    BrokerError,
    EmbeddedBroker,
    embedded_broker,
    listen_addresses,
    port_is_free,
)
from dockernet_site.process import spawn
from dockernet_site.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parent.parent
_WEB_STARTS_S = 60.0
_NOBODY = 3
_ANYBODY = f"""import django
django.setup()
from people.selectors import anybody
raise SystemExit(0 if anybody() else {_NOBODY})
"""


class StartError(Exception):
    """One line that says what to do."""


def say(text: str) -> None:
    """Print a line at once."""
    print(f"dockernet: {text}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Return 0 after SIGTERM or Ctrl-C, 1 when a part died for good, 2 when a user can mend it."""
    options = _options(argv)
    # Passwords' hashes and sessions are in the database: of no interest to other users here.
    os.umask(0o077)
    try:
        return _up(options)
    except (StartError, BrokerError) as error:
        print(f"dockernet: {error}", file=sys.stderr)
        return 2


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dockernet up", description="Run the site.")
    parser.add_argument("--bind", default="", metavar="ADDR", help="serve on this address too")
    parser.add_argument("--port", type=int, default=8000, metavar="P")
    parser.add_argument("--public-url", default="", metavar="URL", help="as users and hosts see it")
    options = parser.parse_args(argv)
    if not 1 <= options.port <= 65535:
        parser.error("--port takes a number from 1 to 65535")
    return options


def _up(options: argparse.Namespace) -> int:
    addresses = listen_addresses(options.bind)
    for address in addresses:
        _require_address(address, options.port)
    environment = _environment(options)
    home = Path(environment["DOCKERNET_HOME"])
    supervisor = Supervisor(say)
    supervisor.catch_signals()
    try:
        broker = None if environment.get("REDIS_URL") else embedded_broker(home, options.bind)
        if broker is not None:
            _start_broker(supervisor, broker, environment)
        _prepare(supervisor, environment)
        if supervisor.stopping:
            return 0
        _start_site(supervisor, environment, addresses, options.port)
        return supervisor.run()
    finally:
        supervisor.stop()
        say("stopped.")


def _require_address(address: str, port: int) -> None:
    try:
        socket.getaddrinfo(address, port)
    except OSError as error:
        raise StartError(f"--bind {address} is no address of this machine.") from error
    if port_is_free(address, port):
        return
    if not port_is_free(address, 0):
        raise StartError(f"--bind {address} is no address of this machine.")
    raise StartError(f"port {port} is in use; choose another with --port.")


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """Return what the children run with; the folder and the addresses as absolute as they get."""
    home = env.folder("DOCKERNET_HOME", ROOT / "var")
    url = options.public_url or env.text("DOCKERNET_PUBLIC_URL")
    if not url:
        host = _own_address() if options.bind == ANY else options.bind or "127.0.0.1"
        url = f"http://[{host}]:{options.port}" if ":" in host else f"http://{host}:{options.port}"
    own = {
        "DOCKERNET_HOME": str(home),
        "DOCKERNET_PUBLIC_URL": url,
        "DJANGO_SETTINGS_MODULE": "dockernet_site.settings",
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own}


def _own_address() -> str:
    """Return the address that packets to elsewhere leave from; none is sent (udp(7), connect)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _start_broker(
    supervisor: Supervisor, broker: EmbeddedBroker, environment: dict[str, str]
) -> None:
    supervisor.add(Child("broker", broker.start, last=True))
    environment["REDIS_URL"] = broker.site_url
    if not environment.get("DOCKERNET_BROKER_PUBLIC_URL"):
        host = env.host_of(environment["DOCKERNET_PUBLIC_URL"])
        environment["DOCKERNET_BROKER_PUBLIC_URL"] = f"redis://{host}:{broker.port}"
    say(f"broker on port {broker.port} of {', '.join(broker.addresses)}")


def _prepare(supervisor: Supervisor, environment: dict[str, str]) -> None:
    """Bring the database and the static files up to date; the settings are checked by it too.

    A signal ends it at once: migrations are transactions, and the next start does the rest.
    """
    argv = [sys.executable, "manage.py", "prepare"]
    process = spawn(argv, environment, subprocess.PIPE, str(ROOT))
    while True:
        try:
            out, _ = process.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            if supervisor.stopping:
                process.kill()
    if process.returncode != 0 and not supervisor.stopping:
        lines = [line for line in out.decode(errors="replace").splitlines() if line.strip()]
        if any(line.startswith("Traceback") for line in lines):
            print("\n".join(lines), file=sys.stderr)
        raise StartError(lines[-1].removeprefix("dockernet: ") if lines else "cannot prepare")


def _start_site(
    supervisor: Supervisor, environment: dict[str, str], addresses: tuple[str, ...], port: int
) -> None:
    python = sys.executable
    web = [python, "-m", "dockernet_site.web", str(port), *addresses]
    worker = [python, "-m", "celery", "-q", "-A", "dockernet_site"]
    worker += ["worker", "--pool", "solo"]
    worker += [
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel",
        "WARNING",
    ]
    commands = {"web": web, "ingest": [python, "manage.py", "ingest"], "worker": worker}
    for name, argv in commands.items():
        supervisor.add(Child(name, lambda argv=argv: spawn(argv, environment, None, str(ROOT))))  # type: ignore[misc]
    deadline = time.monotonic() + _WEB_STARTS_S
    while not supervisor.stopping and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
            continue
        say(f"ready. Open {environment['DOCKERNET_PUBLIC_URL']}  (Ctrl-C stops it)")
        _say_what_is_missing(environment)
        return


def _say_what_is_missing(environment: dict[str, str]) -> None:
    """What a first start needs before somebody can work with it."""
    say(f"data: {environment['DOCKERNET_HOME']} (DOCKERNET_HOME)")
    if urlsplit(environment["DOCKERNET_PUBLIC_URL"]).hostname in ("127.0.0.1", "::1", "localhost"):
        say("hosts on other machines do not reach this address: start with --bind ADDRESS for them")
    command = [sys.executable, "-c", _ANYBODY]
    asked = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    if asked.returncode == _NOBODY:
        say("nobody can log in yet; make the first user in another terminal:")
        say("  ./dockernet manage user NAME --role admin --password PASSWORD")


if __name__ == "__main__":
    sys.exit(main())
