"""The lean Celery worker that `bench/dispatch.py` measures its round trip with."""

from __future__ import annotations

import sys

from bench.dispatch import bare_app

if __name__ == "__main__":
    options = ["--pool", "threads", "--concurrency", "1", "--loglevel", "ERROR"]
    options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    bare_app(sys.argv[1]).worker_main(["worker", *options])
