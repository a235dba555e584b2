"""net.ipv4.ip_forward, now (/proc/sys) and after a reboot (sysctl.d(5))."""

from __future__ import annotations

from pathlib import Path

from netops.engine.adapters.files import file_remove, file_replace
from netops.engine.errors import OperationFailed

FILE = "/etc/sysctl.d/99-dockernet.conf"
_NOW = Path("/proc/sys/net/ipv4/ip_forward")
_TEXT = "# Written by Dockernet, for a NAT setting of this host.\nnet.ipv4.ip_forward = 1\n"


class LinuxForwarding:
    """For `ports.Forwarding`."""

    def enabled(self) -> bool:
        """True if the kernel forwards packets now."""
        return _NOW.read_text().strip() == "1"

    def enable(self) -> None:
        """Switch it on, and leave word for the next boot."""
        file_replace(FILE, _TEXT.encode(), 0o644)
        self._set("1")

    def disable(self) -> None:
        """Take both back."""
        file_remove(FILE)
        self._set("0")

    def _set(self, value: str) -> None:
        try:
            _NOW.write_text(value)
        except OSError as error:
            raise OperationFailed(f"{_NOW} cannot be written: {error.strerror}.") from error
