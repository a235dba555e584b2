"""What a host gets when it enrols: one line for its shell, then one archive with everything in it.

The archive is a tar.gz of two gzip members (RFC 1952, 2.2): program and libraries, the same for
every host and packed once, and the host's own agent.json.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from netops.engine.errors import OperationFailed
from netops.engine.serial import to_json

ROOT = Path(__file__).resolve().parent.parent
AGENT = ROOT / "netops" / "agent"
PROGRAM = (
    "netops/__init__.py",
    "netops/wire.py",
    "netops/keys.py",
    "netops/engine",
    "netops/agent",
)
# Beside agent.json, whose `broker_ca` names it.
BROKER_CA = "broker-ca.pem"
INSTALL_SCRIPT = AGENT / "install_script.py"

_LINE = """\
import sys
if sys.version_info < (3, 11): sys.exit("dockernet: Python 3.11 or newer is needed here")
import urllib.request as r
try: code = r.urlopen(sys.argv[1] + "/enroll/install.py", timeout=30).read()
except OSError as e: sys.exit("dockernet: cannot reach %s: %s" % (sys.argv[1], e))
exec(compile(code, "install.py", "exec"))"""


def enroll_command(public_url: str, token: str) -> str:
    """Return the shell line that makes a host one of ours, to be run there as root.

    It needs sh and python3 alone. The token is an argument and no part of an address, so that no
    access log has it. Neither argument may hold characters that a shell knows.
    """
    code = _LINE.replace('"', '\\"').replace("\n", "\\n")
    return f"python3 -c 'exec(\"{code}\")' {public_url} {token}"


def install_script() -> bytes:
    """Return the program that the line fetches and runs; it knows nothing secret."""
    return INSTALL_SCRIPT.read_bytes()


def bundle_check() -> None:
    """Raise OperationFailed if the packages for hosts are not there (before a token is used up)."""
    if not any(_wheel_folder().glob("*.whl")):
        raise OperationFailed(
            "The site has no packages for its hosts.", "Start it with ./dockernet, which gets them."
        )


def bundle(config: object) -> bytes:
    """Return the tar.gz for one host; `config` (an attrs value) becomes its agent.json.

    Raises OperationFailed if the packages for hosts are not there.
    """
    bundle_check()
    own = io.BytesIO()
    with tarfile.open(fileobj=own, mode="w") as tar:
        if getattr(config, "broker_ca", ""):
            _add(tar, BROKER_CA, Path(settings.DOCKERNET_BROKER_CA).read_bytes(), 0o644)
        _add(tar, "agent.json", json.dumps(to_json(config), indent=1).encode(), 0o600)
    return _base(_signature()) + gzip.compress(own.getvalue(), mtime=0)


def _wheel_folder() -> Path:
    kept = os.environ.get("DOCKERNET_AGENT_WHEELS")
    return Path(kept) if kept else Path(settings.DOCKERNET_HOME) / "agent-wheels"


def _signature() -> tuple[tuple[str, int], ...]:
    """What the base was packed from, by name and time of change."""
    paths = [path for _, path in _program_files()] + sorted(_wheel_folder().glob("*.whl"))
    return tuple((str(path), path.stat().st_mtime_ns) for path in paths)


@lru_cache(maxsize=1)
def _base(signature: tuple[tuple[str, int], ...]) -> bytes:
    """Return the gzip member with all that hosts have in common; the tar goes on after it."""
    plain = io.BytesIO()
    tar = tarfile.open(fileobj=plain, mode="w")  # noqa: SIM115 - not closed: no end is written
    for name, path in _program_files():
        _add(tar, f"lib/{name}", path.read_bytes(), 0o644)
    for wheel in sorted(_wheel_folder().glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(n for n in archive.namelist() if not n.endswith("/")):
                _add(tar, f"lib/{name}", archive.read(name), 0o644)
    return gzip.compress(plain.getvalue(), mtime=0)


def _program_files() -> Iterator[tuple[str, Path]]:
    """Yield name and path of every file of the host's side of the program."""
    for part in PROGRAM:
        path = ROOT / part
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            if "__pycache__" not in file.parts and file != INSTALL_SCRIPT:
                yield file.relative_to(ROOT).as_posix(), file


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))
