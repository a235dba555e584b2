"""`dockernet-agent run`: puts the parts together and keeps them running."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from netops.agent import VERSION
from netops.agent.config import Place, config_load
from netops.agent.emitter import Emitter
from netops.agent.hands import Hands
from netops.agent.observer import Observer
from netops.agent.runner import Runner
from netops.wire import Heartbeat, KeysRotated

log = logging.getLogger(__name__)


def run(place: Place) -> int:
    """Be this host's agent until told to stop; return the exit status.

    Raises Refused when the configuration cannot be used.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("celery").setLevel(logging.WARNING)
    # It says every few seconds that the broker is away; the emitter says it once.
    logging.getLogger("celery.worker.consumer").setLevel(logging.CRITICAL)
    config = config_load(place.config)
    place.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    threading.excepthook = _end_with_thread
    stopping = _stop_event()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # The emitter asks for a heartbeat only after `start`, when `hands` is there.
    emitter = Emitter(config, place.jobs, lambda: Heartbeat(VERSION, boot_id, hands.job))
    hands = Hands(place, emitter)
    runner = Runner(config, place, emitter, hands, lambda: _begin_anew(emitter))
    if config.old_secret:
        # Only now does the site learn, by the seal, that the new keys are in use.
        emitter.send(KeysRotated(config.rotation_id))
    emitter.start()
    observer = Observer(hands.changed, hands.rules_changed, hands.docker_changed)
    hands.hear_docker = observer.hear_docker
    hands.start()
    observer.start()
    log.info("agent %s of host %s (%s) runs", VERSION, config.name, config.host_id)

    def end() -> None:
        stopping.wait()
        # Celery's own way out would wait for its BRPOP, and take a message with it. Jobs go on in
        # their own processes; what is not sent yet is on disk.
        with runner.between_messages:
            emitter.stop()
            os._exit(0)

    threading.Thread(target=end, name="end", daemon=True).start()
    from netops.agent.worker import worker_run

    gc.collect()
    gc.freeze()
    return worker_run(config, runner.receive)


def _begin_anew(emitter: Emitter) -> None:
    """Become a new agent, with the configuration that is on disk now, in this very process.

    Everything that connects anywhere begins again with it; jobs have processes of their own.
    """
    log.info("new keys: the agent begins anew")
    emitter.stop()
    sys.stderr.flush()
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
    finally:
        os._exit(75)  # The host's init starts it.


def _stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _end_with_thread(args: threading.ExceptHookArgs) -> None:
    """An agent that lost one of its threads would only look alive: init starts a whole one."""
    error = args.exc_value or args.exc_type()
    log.critical("a thread of the agent failed", exc_info=error)
    os._exit(70)
