"""caller.py PEER name=value...: asks for tokens as it is told to on standard input; the twin of c/caller.c.

    open name=value...    a new client, sharing nothing with the one before, with these settings besides; it
                          gets its first token
    call TIMES            that many calls, one after another
    herd THREADS          one call on each of so many threads, all at once
    tasks COUNT           one await in each of so many asyncio tasks, half of which are cancelled
    skip SECONDS          lets time pass
    expire SECONDS        lets time pass and remembers the token: it ends meanwhile

The answer to each is one line of JSON. To a call or herd: {"waits_ms": [...], "outcomes": ["OK", ...]};
STALE is a token that ended while time passed.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from importlib import import_module
from typing import Any

from server import Server


class Caller:
    """One client of a peer at a time, and what it was asked."""

    def __init__(self, peer: str, words: list[str]) -> None:
        self.peer = import_module("peers." + peer)
        self.words = words
        self.holder: Any = None
        self.ended: set[str] = set()

    def open(self, words: str) -> dict[str, Any]:
        """Make a new client."""
        self.holder = self.peer.Holder(Server([*self.words, *words.split()]))
        self.ended = set()
        return {}

    def skip(self, seconds: str) -> dict[str, Any]:
        """Let time pass. Whatever token there is ends meanwhile, or is to be renewed."""
        getattr(self.peer, "skip", time.sleep)(float(seconds))
        return {}

    def expire(self, seconds: str) -> dict[str, Any]:
        """Let so much time pass that the token ends."""
        self.ended.add(self.holder.bearer(self.holder.get()))
        return self.skip(seconds)

    def call(self, times: str) -> dict[str, Any]:
        """Make calls in turn."""
        return answer([self.one_call() for _ in range(int(times))])

    def herd(self, threads: str) -> dict[str, Any]:
        """Make one call on each of so many threads."""
        calls: list[tuple[float, str]] = []
        start = threading.Barrier(int(threads))

        def work() -> None:
            start.wait()
            calls.append(self.one_call())

        workers = [threading.Thread(target=work) for _ in range(int(threads))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return answer(calls)

    def tasks(self, count: str) -> dict[str, Any]:
        """Await the token in many tasks (tokenkeep only)."""
        from tasks import crowd

        return crowd(self.holder.client, int(count))

    def one_call(self) -> tuple[float, str]:
        """Milliseconds waited, and what became of it."""
        began = time.perf_counter()
        try:
            got = self.holder.get()
        except Exception as error:
            return (time.perf_counter() - began) * 1e3, type(error).__name__
        waited = (time.perf_counter() - began) * 1e3
        try:
            return waited, "STALE" if self.holder.bearer(got) in self.ended else "OK"
        except RuntimeError as error:
            return waited, str(error)


def answer(calls: list[tuple[float, str]]) -> dict[str, Any]:
    """What the suite is told of some calls."""
    return {
        "waits_ms": [round(waited, 3) for waited, _ in calls],
        "outcomes": [outcome for _, outcome in calls],
    }


def main() -> None:
    """Follow the commands."""
    caller = Caller(sys.argv[1], sys.argv[2:])
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        print(json.dumps(getattr(caller, command)(argument)), flush=True)


if __name__ == "__main__":
    main()
