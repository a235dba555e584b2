"""The root file system under each systemd host: a small Debian, put together once."""

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

_TIMEOUT = 1200.0


def rootfs_ready(*, cache: Path) -> Path:
    """The folder of the root file system; made first if `cache` does not have it.

    It comes from the mirror, proxy and release that this machine's own apt is set up with. It is
    whole or not there: it gets its name only when it is finished.

    Raises:
        LabError: no debootstrap, no mirror, or it failed; with its last words.
    """
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    recipe = hashlib.sha256(" ".join([release, *_PACKAGES]).encode()).hexdigest()
    tree = cache / f"rootfs-{release}-{recipe[:8]}"
    if tree.exists():
        return tree
    cache.mkdir(parents=True, mode=0o700, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            _build(tree, release)
    return tree


def _build(tree: Path, release: str) -> None:
    if find("debootstrap") is None:
        raise LabError("a systemd host needs debootstrap: apt-get install debootstrap")
    print("lab: putting a root file system together, once, about a minute", file=sys.stderr)
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
    """Run debootstrap in namespaces of its own: what it mounts and starts goes when it ends."""
    mirror, components = _mirror(release)
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
        "--variant=minbase",
        f"--components={','.join(components)}",
        f"--include={','.join(_PACKAGES)}",
        release,
        str(part),
        mirror,
    ]
    done = run(argv, timeout=_TIMEOUT, check=False)
    if done.returncode:
        words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise LabError(f"debootstrap failed:\n{words}")


def _mirror(release: str) -> tuple[str, list[str]]:
    """The mirror and components that apt has for `release` (apt-get(8), indextargets)."""
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
    uris = [uri for uri, suite, _ in found if suite == release]
    if not uris:
        raise LabError(f"apt of this machine has no mirror of {release}")
    return uris[0], sorted({part for uri, _, part in found if uri == uris[0]})


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
