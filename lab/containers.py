"""What a lab host does with Docker: wait for it, load the image, start containers."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Sequence

from lab.command import LabError
from lab.image import IMAGE, SERVE, image_tar


class ContainerMixin:
    """The Docker side of a LabHost, which has `name`, `pid1` and `run`."""

    name: str

    @property
    def pid1(self) -> int:
        """The pid of the host's init in the root namespace."""
        raise NotImplementedError

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float = 60.0,
        check: bool = True,
        input: str | bytes | None = None,
        text: bool = True,
    ) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
        """Run a program inside the host."""
        raise NotImplementedError

    def wait_docker(self, timeout: float = 30.0) -> None:
        """Wait until dockerd answers on its socket.

        Raises:
            LabError: it does not within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not self._docker_answers():
            if time.monotonic() > deadline:
                log = self.run(
                    "tail -n 20 /var/log/docker.log 2>/dev/null || "
                    "journalctl -u docker -n 20 --no-pager",
                    check=False,
                ).stdout
                raise LabError(f"{self.name}: no answer from dockerd in {timeout:g} s\n{log}")
            time.sleep(0.02)

    def load_image(self) -> str:
        """Import the lab's busybox image into this host's Docker; returns its name."""
        change = f"CMD {json.dumps(['sh', '-c', SERVE])}"
        self.run(["docker", "import", "--change", change, "-", IMAGE], input=image_tar())
        return IMAGE

    def start_container(
        self,
        name: str,
        *,
        restart: str | None = None,
        publish: Sequence[str] = (),
        rm: bool = False,
        args: Sequence[str] = (),
        command: Sequence[str] = (),
    ) -> str:
        """Start a container of the lab's image; without a command it serves HTTP on port 80.

        Args:
            restart: its restart policy, as docker-run(1).
            publish: published ports, as docker-run(1): "8080:80".
            rm: remove it when it stops.
            args: more options of docker-run(1).
            command: what it runs instead of the HTTP server, which answers with the name.

        Returns:
            The container's id.
        """
        options = ["--name", name, "--hostname", name, *args]
        if restart is not None:
            options += ["--restart", restart]
        for port in publish:
            options += ["--publish", port]
        if rm:
            options.append("--rm")
        # Without --init busybox is pid 1, ignores SIGTERM, and each stop lasts its 10 s.
        argv = ["docker", "run", "--detach", "--init", *options, IMAGE, *command]
        return str(self.run(argv).stdout).strip()

    def _docker_answers(self) -> bool:
        connection = http.client.HTTPConnection("docker", timeout=2)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(2)
        try:
            connection.sock.connect(f"/proc/{self.pid1}/root/run/docker.sock")
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
