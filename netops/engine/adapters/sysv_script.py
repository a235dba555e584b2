"""What /etc/init.d/docker and /etc/default/docker say, with the shell's own words for it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from attrs import frozen

from netops.engine.adapters.command import run
from netops.engine.errors import OperationFailed

SCRIPT = "/etc/init.d/docker"
_ASSIGNMENT = re.compile(r"^[A-Z_]+=.*$", re.MULTILINE)
_OWN_FLAGS = re.compile(r"start-stop-daemon\s+--start.*?\s--\s(.*?)\$\{?DOCKER_OPTS", re.DOTALL)
_PLAIN = re.compile(r"[\w\s\\\"$/.:=,{}-]*")
_PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_NAMES = ("BASE", "DOCKERD", "DOCKER_PIDFILE", "DOCKER_SSD_PIDFILE", "DOCKER_LOGFILE")


@frozen
class SysvScript:
    """The init script's variables after it has sourced its settings.

    `own_flags` are dockerd's words that the script itself gives, `docker_opts` those of
    $DOCKER_OPTS; `error` why the settings cannot be sourced ("": they can).
    """

    dockerd: str = "/usr/sbin/dockerd"
    pidfile: str = "/var/run/docker.pid"
    ssd_pidfile: str = "/var/run/docker-ssd.pid"
    logfile: str = "/var/log/docker.log"
    settings: str = "/etc/default/docker"
    own_flags: tuple[str, ...] = ()
    docker_opts: tuple[str, ...] = ()
    error: str = ""

    @property
    def program(self) -> str:
        """Name of dockerd's program."""
        return Path(self.dockerd).resolve().name


def sysv_script(path: str = SCRIPT) -> SysvScript:
    """Return what the init script would work with now; read again when a file has changed."""
    settings = f"/etc/default/{Path(path).name}"
    return _read(path, settings, _stamp(path), _stamp(settings))


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _read(path: str, settings: str, *_stamps: tuple[int, int, int]) -> SysvScript:
    try:
        text = Path(path).read_text(errors="replace")
    except OSError:
        return SysvScript(error=f"There is no {path}.")
    head = text.partition("\ncase ")[0]
    assigned = "\n".join(line for line in _ASSIGNMENT.findall(head) if "(" not in line)
    own = _OWN_FLAGS.search(text)
    flags = own[1] if own and _PLAIN.fullmatch(own[1]) else ""
    output = _evaluate(assigned, f'. "{settings}" >/dev/null 2>&1', flags, settings)
    if output is None:
        output = _evaluate(assigned, ":", flags, settings) or []
        error = f"{settings} is not shell that `. {settings}` can read."
    else:
        error = ""
    if len(output) < len(_NAMES) + 1:
        return SysvScript(settings=settings, error=error or f"{path} is not understood.")
    _, dockerd, pidfile, ssd_pidfile, logfile = output[: len(_NAMES)]
    words = output[len(_NAMES) :]
    border = words.index("\n")
    return SysvScript(
        dockerd=dockerd or SysvScript().dockerd,
        pidfile=pidfile or SysvScript().pidfile,
        ssd_pidfile=ssd_pidfile or SysvScript().ssd_pidfile,
        logfile=logfile or SysvScript().logfile,
        settings=settings,
        own_flags=tuple(words[:border]),
        docker_opts=tuple(words[border + 1 :]),
        error=error,
    )


def _evaluate(assigned: str, source: str, flags: str, settings: str) -> list[str] | None:
    """Run the script's assignments and its settings in sh; None when the settings fail.

    The script itself does no more, as root, at each `service docker status`.
    """
    names = " ".join(f'"${name}"' for name in _NAMES)
    program = f"""set -e
{assigned}
if [ -f "{settings}" ]; then
{source}
fi
printf '%s\\0' {names}
set -- {flags.strip().rstrip(chr(92))}
for word in "$@"; do printf '%s\\0' "$word"; done
printf '\\n\\0'
for word in $DOCKER_OPTS; do printf '%s\\0' "$word"; done
"""
    try:
        result = run(["sh", "-c", program], 5.0, env={"PATH": _PATH}, errors_too=False)
    except OperationFailed:
        return None
    return result.output.split("\0")[:-1] if result.status == 0 else None
