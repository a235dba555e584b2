"""Installs the Dockernet agent on this host, or installs it again. Nothing but Python itself.

The site serves this file at /enroll/install.py; the line that an admin got runs it as root with
the site's address and a token that works once. Remove it all with: dockernet-agent uninstall
"""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PROGRAM = Path("/opt/dockernet")
CONFIG = Path("/etc/dockernet")
STATE = Path("/var/lib/dockernet")
COMMAND = Path("/usr/local/sbin/dockernet-agent")
UNIT = Path("/etc/systemd/system/dockernet-agent.service")
SCRIPT = Path("/etc/init.d/dockernet-agent")


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(f"dockernet: {text}", flush=True)


def refuse(text: str) -> None:
    """End with one clear line."""
    sys.exit(f"dockernet: {text}")


def main(site: str, token: str) -> None:
    """Check the host, fetch the agent, put it in place, start it."""
    check_user()
    init = init_of_host()
    check_no_job()
    if not shutil.which("dockerd") and not shutil.which("docker"):
        say("there is no Docker on this host yet; the agent is installed all the same")
    say(f"fetching the agent from {site}")
    archive = redeem(site.rstrip("/"), token)
    fresh = unpack(archive)
    service_stop(init)
    say(f"installing into {PROGRAM}")
    program_replace(fresh)
    service_start(init)
    say(f"done: this host shows at {site}. Take it off again with: dockernet-agent uninstall")


def check_user() -> None:
    """Refuse anyone but root. (The line itself has refused a Python that is too old.)"""
    if os.geteuid() != 0:
        refuse("run this line as root (it installs a service).")


def init_of_host() -> str:
    """Return "systemd" or "sysv"; refuse another init before anything is done."""
    if Path("/run/systemd/system").is_dir():
        return "systemd"
    tools = [shutil.which(name) for name in ("update-rc.d", "chkconfig")]
    if Path("/etc/init.d").is_dir() and any(tools) and not Path("/run/openrc").exists():
        return "sysv"
    refuse("this host's init is neither systemd nor sysv; no other is supported.")
    return ""


def check_no_job() -> None:
    """Refuse while the agent that is here already changes this host: it needs its program."""
    lock = STATE / "job.lock"
    if not lock.exists():
        return
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            refuse("a job is being carried out on this host; try again when it has ended.")


def redeem(site: str, token: str) -> bytes:
    """Return the archive that the site has for this token; refuse with the site's own words."""
    request = urllib.request.Request(  # noqa: S310 - the admin's own site, http or https
        f"{site}/enroll/redeem", data=b"", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        words = error.read(500).decode(errors="replace").strip()
        plain = error.headers.get_content_type() == "text/plain"
        refuse(words if plain and words else f"the site answered {error.code} {error.reason}.")
    except OSError as error:
        refuse(f"cannot reach {site}: {error}")
    return b""


def unpack(archive: bytes) -> Path:
    """Unpack beside the program's place and return the folder; the program must run from there."""
    fresh = PROGRAM.with_name("dockernet.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o755, parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar.getmembers():
            target = (fresh / member.name).resolve()
            if not member.isreg() or not target.is_relative_to(fresh.resolve()):
                refuse("the site's archive is not one of an agent.")
            target.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode & 0o755)
            with os.fdopen(file, "wb") as sink:
                sink.write(source.read() if source else b"")
    launcher_write(fresh)
    main_file = fresh / "lib/netops/agent/__main__.py"
    check = subprocess.run(
        [python(), "-I", str(main_file), "version"], capture_output=True, text=True, check=False
    )
    if check.returncode != 0:
        refuse(f"the agent does not run here: {check.stderr.strip()[-500:]}")
    say(check.stdout.strip())
    return fresh


def python() -> str:
    """Return this Python, not that of a virtual environment that may go away."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return str(getattr(sys, "_base_executable", sys.executable))


def launcher_write(fresh: Path) -> None:
    """Write bin/dockernet-agent and, for sysv, what keeps it running."""
    folder = fresh / "bin"
    folder.mkdir()
    text = f'#!/bin/sh\nexec {python()} -I {PROGRAM}/lib/netops/agent/__main__.py "$@"\n'
    (folder / "dockernet-agent").write_text(text)
    shutil.copyfile(fresh / "lib/netops/agent/service_files/keep-running", folder / "keep-running")
    for path in folder.iterdir():
        path.chmod(0o755)


def program_replace(fresh: Path) -> None:
    """Put program, configuration and command in place."""
    for folder in (CONFIG, STATE):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    if (fresh / "broker-ca.pem").exists():
        shutil.move(fresh / "broker-ca.pem", CONFIG / "broker-ca.pem")
    (fresh / "agent.json").chmod(0o600)
    shutil.move(fresh / "agent.json", CONFIG / "agent.json.new")
    (CONFIG / "agent.json.new").replace(CONFIG / "agent.json")
    old = PROGRAM.with_name("dockernet.old")
    shutil.rmtree(old, ignore_errors=True)
    if PROGRAM.exists():
        PROGRAM.rename(old)
    fresh.rename(PROGRAM)
    shutil.rmtree(old, ignore_errors=True)
    COMMAND.parent.mkdir(parents=True, exist_ok=True)
    COMMAND.unlink(missing_ok=True)
    COMMAND.symlink_to(PROGRAM / "bin/dockernet-agent")


def service_stop(init: str) -> None:
    """Stop the agent of an earlier installation."""
    if init == "systemd" and UNIT.exists():
        run("systemctl", "stop", "dockernet-agent.service")
    elif SCRIPT.exists():
        run(str(SCRIPT), "stop")


def service_start(init: str) -> None:
    """Make the agent a service of this host's init and start it; refuse if it does not stay up."""
    files = PROGRAM / "lib/netops/agent/service_files"
    if init == "systemd":
        UNIT.write_text((files / "dockernet-agent.service").read_text())
        run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--now", "dockernet-agent.service")
        status = ["systemctl", "is-active", "--quiet", "dockernet-agent.service"]
    else:
        SCRIPT.write_text((files / "dockernet-agent.init").read_text())
        SCRIPT.chmod(0o755)
        if shutil.which("update-rc.d"):
            run("update-rc.d", "dockernet-agent", "defaults")
        else:
            run("chkconfig", "--add", "dockernet-agent")
        run(str(SCRIPT), "start")
        status = [str(SCRIPT), "status"]
    time.sleep(0.5)
    if subprocess.run(status, capture_output=True, check=False).returncode != 0:
        refuse("the service dockernet-agent did not stay up; look at the host's log.")
    say(f"the service dockernet-agent runs ({init})")


def run(*argv: str) -> None:
    """Run a command of the host; refuse with its words if it fails."""
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if result.returncode != 0:
        refuse(f"{' '.join(argv)} failed: {(result.stderr or result.stdout).strip()[-500:]}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        refuse("usage: install.py SITE TOKEN")
    main(sys.argv[1], sys.argv[2])
