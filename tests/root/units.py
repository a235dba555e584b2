"""systemd units around Docker's, for the tests: those that stop with it, and those that do not."""

from __future__ import annotations

from lab.host import LabHost

FOLDER = "/etc/systemd/system"
# Each with what stands in its [Unit].
WITH_DOCKER = {
    "requires.service": "Requires=docker.service\nAfter=docker.service",
    "binds.service": "BindsTo=docker.service\nAfter=docker.service",
    "part.service": "PartOf=docker.service\nAfter=docker.service",
    "second.service": "PartOf=part.service",
    "socket-user.service": "Requires=docker.socket",
    "requisite.service": "Requisite=docker.service\nAfter=docker.service",
    "od\\x2dd@a\\x2db.service": "Requires=docker.service",
    "all.target": "Requires=docker.service\nWants=by-hand.service",
}
ALONE = {
    "after.service": "After=docker.service",
    "wants.service": "Wants=docker.service",
    # Only through a unit that does not run.
    "third.service": "Requires=gap.service",
}
STOPPED = {
    "gap.service": "PartOf=docker.service",
    "by-hand.service": "PartOf=docker.service",
}


def units_make(host: LabHost, units: dict[str, str], service: str = "exec sleep infinity") -> None:
    """Write units of which each service runs a line of shell, and have systemd read them."""
    for name, lines in units.items():
        text = f"[Unit]\n{lines}\n"
        if name.endswith(".service"):
            text += f"[Service]\nExecStart=/bin/sh -c '{service}'\n"
        host.write(f"{FOLDER}/{name}", text)
    host.run("systemctl daemon-reload")


def units_remove(host: LabHost, units: dict[str, str]) -> None:
    """Stop the units and forget them."""
    host.run(["systemctl", "stop", "--", *units], check=False)
    host.run(["rm", "-f", "--", *(f"{FOLDER}/{name}" for name in units)])
    host.run("systemctl daemon-reload; systemctl reset-failed")


def active(host: LabHost, *names: str) -> list[str]:
    """Those of the units that systemd calls active."""
    shown = host.run(["systemctl", "is-active", "--", *names], check=False).stdout.split()
    return [name for name, state in zip(names, shown, strict=True) if state == "active"]
