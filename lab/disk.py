"""A host's disk: an overlay over a root file system that it never changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Folders bound over the overlay: containerd hangs on one, and overlay2 does not work there.
_PLAIN = {"/var/lib/docker": "docker", "/var/lib/containerd": "containerd"}


class Disk:
    """The folder of one host: `upper` is what it wrote, `docker` and `containerd` lie plain."""

    def __init__(self, folder: Path, lower: Path) -> None:
        self.folder = folder
        self.lower = lower
        self.upper = folder / "upper"

    def create(self) -> None:
        """Make the folders of an empty disk.

        Raises:
            FileExistsError: there is a host of this name in the run.
        """
        self.folder.mkdir(parents=True)
        for name in ("upper", "work", "root", *_PLAIN.values()):
            (self.folder / name).mkdir()
        self.upper.chmod(0o755)

    def remove(self) -> None:
        """Throw the disk away; the host must be off."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def hide(self, path: str) -> None:
        """Make the folder `path` empty for the host, whatever the root file system has there."""
        folder = self._make_folders(path)
        # Documentation/filesystems/overlayfs.rst: an opaque directory hides what lies under it.
        os.setxattr(folder, "trusted.overlay.opaque", b"y")

    def read(self, path: str) -> str:
        """The text of `path`, from the host's own part or what lies under it."""
        for top in (
            self._plain(path),
            self.upper / path.lstrip("/"),
            self.lower / path.lstrip("/"),
        ):
            if top is not None and top.exists():
                return top.read_text()
        raise FileNotFoundError(path)

    def write(self, path: str, data: str | bytes, mode: int = 0o644) -> None:
        """Put the file `path` on the disk, while the host is off."""
        target = self._target(path)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        target.chmod(mode)

    def symlink(self, path: str, to: str) -> None:
        """Put a symbolic link on the disk, while the host is off."""
        target = self._target(path)
        target.unlink(missing_ok=True)
        target.symlink_to(to)

    def _target(self, path: str) -> Path:
        plain = self._plain(path)
        if plain is not None:
            plain.parent.mkdir(parents=True, exist_ok=True)
            return plain
        target = self._make_folders(str(Path(path).parent)) / Path(path).name
        if target.is_symlink():
            target.unlink()
        return target

    def _make_folders(self, path: str) -> Path:
        """The folder `path` of the host's own part, each made like the one that it lies over."""
        own, under = self.upper, self.lower
        for part in Path(path.lstrip("/")).parts:
            own, under = own / part, under / part
            if not own.is_dir():
                own.mkdir(mode=0o755)
                if under.is_dir() and not under.is_symlink():
                    shutil.copystat(under, own)
                    about = under.stat()
                    os.chown(own, about.st_uid, about.st_gid)
        return own

    def _plain(self, path: str) -> Path | None:
        for top, name in _PLAIN.items():
            if path == top or path.startswith(top + "/"):
                return self.folder / name / path[len(top) :].lstrip("/")
        return None
