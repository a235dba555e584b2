"""How Docker's service is started, and which others go down with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from netops.engine.config_edit import OPTS, edit_for
from netops.engine.findings.subnet_case import NETWORK_KEYS, SubnetCase, listed, warning
from netops.engine.pending import PendingFlag
from netops.engine.plan import Finding
from netops.engine.serial import Json


def stops_units(case: SubnetCase) -> Iterator[Finding]:
    """Warn of units that systemd stops with Docker and does not start with it again."""
    units = case.observed.service.dependents
    if units:
        names = listed(units)
        message = (
            f"Units that systemd stops together with Docker: {names}. Docker's start alone would "
            "leave them stopped, so Dockernet starts them again itself."
        )
        yield warning("stops-units", message, names)


def config_in_force(case: SubnetCase) -> Iterator[Finding]:
    """Block while it is uncertain what dockerd starts with: a flag beside our bip keeps it down."""
    config = case.observed.config
    if config.reload_needed:
        message = (
            "The files of docker.service have changed since systemd read them, so that Docker's "
            f"next start would follow what they were. Run `{_restart(case)}` (without the restart "
            "if dockerd's flags stay the same), then ask for a new plan."
        )
        yield case.blocker("config-not-in-force", message, "docker.service")
    for flag in config.pending:
        if not _left_by_rollback(case, flag):
            yield case.blocker("config-not-in-force", _pending(case, flag), f"--{flag.key}")


def _left_by_rollback(case: SubnetCase, flag: PendingFlag) -> bool:
    """True for the address that docker0 has, once given as a flag of DOCKER_OPTS.

    A rollback writes it there for one start, and Docker's next start keeps the address.
    """
    config = case.observed.config
    edited = edit_for(config, NETWORK_KEYS, "bip", "").format
    harmless = flag.key == "bip" and flag.next is None and not config.wrapper
    return harmless and edited == OPTS and flag.running == str(case.old_interface)


def _pending(case: SubnetCase, flag: PendingFlag) -> str:
    config, restart = case.observed.config, _restart(case)
    now, then = _typed(flag.key, flag.running), _typed(flag.key, flag.next)
    if flag.running is None:
        return (
            f"{flag.path} gives dockerd {then}, but the running one was started without that flag. "
            f"Run `{restart}` so that it holds, then ask for a new plan."
        )
    if flag.next is None and config.wrapper:
        return (
            f"dockerd runs with {now}, which no file that Dockernet reads gives it; it may come "
            f"from {config.wrapper}, a wrapper that starts dockerd. The same setting in "
            f"{config.path} would conflict with that flag and keep Docker from starting. Take the "
            f"flag out of {config.wrapper}, run `{restart}`, then ask for a new plan."
        )
    if flag.next is None:
        return (
            f"dockerd runs with {now}, which no file that Dockernet reads gives it any more. "
            f"Run `{restart}` so that what the files say holds, then ask for a new plan."
        )
    if config.wrapper:
        return (
            f"dockerd runs with {now}, but {flag.path} gives it {then}; the former may come from "
            f"{config.wrapper}, a wrapper that starts dockerd. Take the flag out of there, run "
            f"`{restart}`, then ask for a new plan."
        )
    return (
        f"dockerd runs with {now}, but {flag.path} gives it {then} from its next start on. "
        f"Run `{restart}` so that it holds, then ask for a new plan."
    )


def _typed(key: str, value: Json) -> str:
    """Return a flag as a person types it."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"--{key}={text}"


def _restart(case: SubnetCase) -> str:
    if case.observed.service.manager == "sysv":
        return "service docker restart"
    return "systemctl daemon-reload && systemctl restart docker"
