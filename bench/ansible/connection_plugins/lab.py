"""Ansible's way into a lab host: the program is started in the host's namespaces, without ssh.

The host variable `lab_enter` is the command line that a program is put behind.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: lab
short_description: run in a host of Dockernet's lab
description: [Starts programs in the namespaces of a lab host.]
options:
  enter:
    description: command line to enter the host
    type: list
    elements: str
    vars: [{name: lab_enter}]
"""


class Connection(ConnectionBase):
    """A connection without a connection: each command enters the host by itself."""

    transport = "lab"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Run a line of shell in the host."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        argv = [*self.get_option("enter"), "/bin/sh", "-c", cmd]
        done = subprocess.run(argv, input=in_data, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the host."""
        super().put_file(in_path, out_path)
        self.exec_command(f"cat > '{out_path}'", in_data=Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the host."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self.exec_command(f"cat '{in_path}'")[1])

    def close(self) -> None:
        """Nothing is open."""
        self._connected = False
