"""The root file systems under hosts: a small Debian of each release, put together once."""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import sys
from pathlib import Path

from lab.command import HOST_PATH, LabError, find, run

_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "docker.io",
    "iptables",
    "iproute2",
    "procps",
    "python3",
)
# Debian 13 took the client out of docker.io; minbase installs nothing that is only recommended.
_SINCE_TRIXIE = ("docker-cli", "nftables")
_BEFORE_TRIXIE = ("bullseye", "bookworm")

# debootstrap has a script for each release of its own day: since wheezy always a link to sid's.
_SCRIPTS = Path("/usr/share/debootstrap/scripts")

_TIMEOUT = 1200.0


def rootfs_ready(*, cache: Path, release: str | None = None) -> Path:
    """Return the folder of the root file system; make it first if `cache` does not have it.

    It comes from the mirror and proxy that this machine's own apt is set up with. It is whole or
    not there: it gets its name only when it is finished.

    Args:
        cache: the folder of all of them; its lock is held while one is made.
        release: Debian's code name, for instance "forky"; by default this machine's own.

    Raises:
        LabError: no debootstrap, no mirror, or it failed; with its last words.
    """
    release = release or _own_release()
    recipe = hashlib.sha256(" ".join([release, *_packages(release)]).encode()).hexdigest()
    tree = cache / f"rootfs-{release}-{recipe[:8]}"
    if tree.exists():
        return tree
    cache.mkdir(parents=True, mode=0o700, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            _build(tree, release)
    return tree


def _own_release() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def _packages(release: str) -> tuple[str, ...]:
    return _PACKAGES if release in _BEFORE_TRIXIE else (*_PACKAGES, *_SINCE_TRIXIE)


def _build(tree: Path, release: str) -> None:
    if find("debootstrap") is None:
        raise LabError(f"a host of {release} needs debootstrap: apt-get install debootstrap")
    print(f"lab: making the root file system of {release}, once, about a minute", file=sys.stderr)
    part = tree.with_name(tree.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o755)
    try:
        _debootstrap(part, release)
        _trim(part)
        part.rename(tree)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _debootstrap(part: Path, release: str) -> None:
    """Run debootstrap in namespaces of its own: what it mounts and starts goes when it ends.

    It checks the release against the keyring of this machine's Debian: bookworm's holds the keys
    that trixie and forky are signed with.
    """
    mirror, components = _mirror(release)
    script = _SCRIPTS / release
    argv = [
        "unshare",
        "-m",
        "-p",
        "--fork",
        "--kill-child",
        "--",
        "env",
        f"PATH={HOST_PATH}",
        "LC_ALL=C",
        "DEBIAN_FRONTEND=noninteractive",
        *_proxies(),
        "debootstrap",
        "--force-check-gpg",
        "--variant=minbase",
        f"--components={','.join(components)}",
        f"--include={','.join(_packages(release))}",
        release,
        str(part),
        mirror,
        str(script if script.exists() else _SCRIPTS / "sid"),
    ]
    done = run(argv, timeout=_TIMEOUT, check=False)
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        if "Failed getting release file" in words:
            raise LabError(f"the mirror of this machine's apt does not serve {release}:\n{words}")
        raise LabError(f"debootstrap failed:\n{words}")


def _mirror(release: str) -> tuple[str, list[str]]:
    """Return the mirror and components that apt has for `release` (apt-get(8), indextargets).

    A release that apt is not set up for comes from the mirror of this machine's own.
    """
    lines = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ]
    ).stdout.splitlines()
    found = [line.split() for line in lines]
    for wanted in (release, _own_release()):
        uris = [uri for uri, suite, _ in found if suite == wanted]
        if uris:
            return uris[0], sorted({part for uri, _, part in found if uri == uris[0]})
    raise LabError(f"apt of this machine has no mirror of {release}")


def _proxies() -> list[str]:
    """What apt goes through, as the environment that debootstrap's downloads read."""
    found = []
    for scheme in ("http", "https"):
        value = run(["apt-config", "shell", "P", f"Acquire::{scheme}::Proxy"]).stdout.strip()
        proxy = value.removeprefix("P=").strip("'")
        if proxy and proxy != "DIRECT":
            found.append(f"{scheme}_proxy={proxy}")
    return found


def _trim(part: Path) -> None:
    """Take out what no host needs, and what this machine's own set-up has put in."""
    for folder in (
        "var/cache/apt",
        "var/lib/apt/lists",
        "usr/share/doc",
        "usr/share/locale",
        "usr/share/man",
        "var/log",
    ):
        shutil.rmtree(part / folder, ignore_errors=True)
        (part / folder).mkdir(parents=True)
    (part / "var/log/journal").mkdir()
    (part / "etc/fstab").write_text("")
    for path in ("etc/apt/sources.list", "etc/resolv.conf", "etc/hostname", "etc/machine-id"):
        (part / path).unlink(missing_ok=True)
