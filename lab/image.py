"""The one image of the lab: a static busybox, imported without any registry."""

from __future__ import annotations

import functools
import io
import tarfile
from pathlib import Path

from lab.command import LabError, find, run

IMAGE = "lab-busybox:1"

# What a container does if it is given no command: answer HTTP on port 80 with its own name.
SERVE = "hostname > /www/index.html; exec httpd -f -p 80 -h /www"


@functools.cache
def image_tar() -> bytes:
    """The image's file system as a tar: busybox, a link for each applet, and little else.

    Raises:
        LabError: there is no busybox here, or it is not a static one.
    """
    program = find("busybox")
    if program is None:
        raise LabError("no busybox: apt-get install busybox-static")
    content = Path(program).read_bytes()
    if b"/ld-linux" in content:
        raise LabError("busybox is not static: apt-get install busybox-static")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "www", "root", "proc", "sys", "dev"):
            _add(tar, folder, tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755)
        _add(tar, "bin/busybox", tarfile.REGTYPE, mode=0o755, content=content)
        for applet in run([program, "--list"]).stdout.split():
            if applet != "busybox":
                _add(tar, f"bin/{applet}", tarfile.SYMTYPE, link="busybox")
        _add(tar, "etc/passwd", tarfile.REGTYPE, content=b"root:x:0:0:root:/root:/bin/sh\n")
        _add(tar, "etc/group", tarfile.REGTYPE, content=b"root:x:0:\n")
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile,
    name: str,
    kind: bytes,
    *,
    mode: int = 0o644,
    content: bytes = b"",
    link: str = "",
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
    tar.addfile(entry, io.BytesIO(content))
