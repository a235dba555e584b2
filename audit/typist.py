"""Who typed a command, for the audit log."""

from __future__ import annotations

import getpass
import os


def typist() -> str:
    """Return the account that typed the command at hand (the one behind sudo), as "root (shell)".

    No user of the site can have that name: theirs have no space.
    """
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{name} (shell)"
