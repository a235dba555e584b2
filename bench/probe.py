"""Run in the lab's outside: asks each published port every 20 ms, says how long any was away.

Prints a JSON object for each line read on standard input: "mark" forgets what was seen so far,
"report" answers {"away_s", "probes", "failed"} for the time since the mark.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

INTERVAL_S = 0.02
TIMEOUT_S = 0.5


class Port:
    """One published port and when it answered."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.seen: list[tuple[float, bool]] = []

    def watch(self) -> None:
        """Ask for ever; an answer counts from the moment that it was complete."""
        while True:
            begun = time.monotonic()
            good = self.answers()
            self.seen.append((time.monotonic() if good else begun, good))
            time.sleep(max(0.0, INTERVAL_S - (time.monotonic() - begun)))

    def answers(self) -> bool:
        """True if an HTTP answer came."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def away(ports: list[Port]) -> float:
    """Seconds from the first failure of any port to the first answer after the last failure."""
    failures = [at for port in ports for at, good in port.seen if not good]
    if not failures:
        return 0.0
    first, ends = min(failures), []
    for port in ports:
        last = max((at for at, good in port.seen if not good), default=None)
        if last is not None:
            after = [at for at, good in port.seen if good and at > last]
            ends.append(min(after) if after else time.monotonic())
    return max(ends) - first


def main() -> None:
    """Watch HOST PORT..., answer on standard output."""
    host, numbers = sys.argv[1], [int(word) for word in sys.argv[2:]]
    ports = [Port(host, number) for number in numbers]
    for port in ports:
        threading.Thread(target=port.watch, daemon=True).start()
    for line in sys.stdin:
        if line.strip() == "mark":
            for port in ports:
                port.seen.clear()
        probes = sum(len(port.seen) for port in ports)
        failed = sum(not good for port in ports for _, good in port.seen)
        print(json.dumps({"away_s": away(ports), "probes": probes, "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
