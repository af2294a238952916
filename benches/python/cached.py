"""cached.py PEER name=value...: what a token in memory costs.

Prints one line of JSON: nanoseconds per call, batch by batch, for each number of threads. With several
threads the interpreter runs one at a time, so theirs is the time of all divided by the calls of all.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any

from server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = (1, 16)
BATCHES = 7
# How long a batch should take, in seconds; with many threads several times the interpreter's switch interval.
BATCH = {1: 0.02, 16: 0.08}


def call(get: Callable[[], Any], times: int) -> None:
    """Get the token so many times."""
    for _ in repeat(None, times):
        get()


def timed(get: Callable[[], Any], times: int) -> float:
    """Seconds for so many calls on this thread."""
    began = time.perf_counter()
    call(get, times)
    return time.perf_counter() - began


def calibrated(get: Callable[[], Any], seconds: float) -> int:
    """How many calls take so long. Warms up, too."""
    times = 1
    while (took := timed(get, times)) < seconds / 4:
        times *= 2
    return max(1, round(times * seconds / took))


def timed_on(threads: int, get: Callable[[], Any], times: int) -> float:
    """Seconds until so many threads have made so many calls each."""
    start = threading.Barrier(threads + 1)

    def work() -> None:
        start.wait()
        call(get, times)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def measured(get: Callable[[], Any], threads: int) -> list[float]:
    """Nanoseconds per call, batch by batch."""
    times = max(1, calibrated(get, BATCH[threads]) // threads)
    seconds = (timed(get, times) if threads == 1 else timed_on(threads, get, times) for _ in range(BATCHES))
    return [took / times / threads * 1e9 for took in seconds]


def main() -> None:
    """Measure the peer that the command line names."""
    holder = import_module("peers." + sys.argv[1]).Holder(Server(sys.argv[2:]))
    print(json.dumps({threads: measured(holder.get, threads) for threads in THREADS}))


if __name__ == "__main__":
    main()
