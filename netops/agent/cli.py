"""`dockernet-agent`: the commands of the host's own console. All but `version` need root."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from netops.agent import VERSION
from netops.agent.config import CONFIG_PATH, STATE_FOLDER, Place
from netops.engine.errors import DockernetError


def main(argv: list[str] | None = None) -> int:
    """Run one command; a refusal is one line on standard error and exit status 2."""
    options = _parser().parse_args(argv)
    place = Place(options.config, options.state)
    try:
        return _command(options, place)
    except DockernetError as error:
        print(f"dockernet-agent: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _command(options: argparse.Namespace, place: Place) -> int:
    match options.command:
        case "run":
            from netops.agent.main import run

            return run(place)
        case "work":
            from netops.agent.work import work

            return work(place, options.argv)
        case "observe" | "plan":
            return _show(options, place)
        case "journal":
            from netops.agent.journal_text import journal_text, journals_text

            job = options.job
            print(journal_text(place.jobs, job) if job else journals_text(place.jobs))
        case "revert":
            from netops.agent.revert import revert

            return revert(place, options.job or "", say=print)
        case "uninstall":
            from netops.agent.uninstall import uninstall

            uninstall(place, say=print)
        case _:
            print(f"dockernet-agent {VERSION}, Python {sys.version.split()[0]}")
    return 0


def _show(options: argparse.Namespace, place: Place) -> int:
    """Print an observation, or the plan that would be made; nothing is touched."""
    from netops.agent.work import observation_make, plan_make
    from netops.engine.errors import Refused
    from netops.engine.serial import to_json
    from netops.wire import PlanRequest

    if options.command == "observe":
        print(json.dumps(to_json(observation_make(place)), indent=2))
        return 0
    try:
        spec = json.loads(options.spec)
    except ValueError as error:
        raise Refused("malformed", f"--spec is not JSON: {error}") from error
    plan = plan_make(place, PlanRequest(0, 0, options.kind, spec))
    print(json.dumps(to_json(plan), indent=2))
    return 3 if plan.blocked else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dockernet-agent", description="This host's Dockernet.")
    parser.add_argument("--config", type=Path, default=CONFIG_PATH, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, default=STATE_FOLDER, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="be the agent, in the foreground (the service does this)")
    commands.add_parser("observe", help="print what this host is, as JSON")
    plan = commands.add_parser("plan", help="print the plan of a change, as JSON; touch nothing")
    plan.add_argument("--spec", required=True, help='{"network": "bridge", "subnet": ...}')
    plan.add_argument("--kind", default="subnet")
    journal = commands.add_parser("journal", help="list the jobs of this host, or tell one")
    journal.add_argument("job", nargs="?", help="a job id, or its beginning")
    revert = commands.add_parser(
        "revert", help="undo the job under way, or the latest one, without the site"
    )
    revert.add_argument("job", nargs="?", help="a job id, or its beginning; else the latest")
    commands.add_parser("uninstall", help="stop the service and remove all of Dockernet")
    commands.add_parser("version", help="print the version")
    work = commands.add_parser("work")
    work.add_argument("argv", nargs="+")
    return parser
