"""Processes that start at once and share a store that is empty."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from suite.measured import spread
from suite.page import Promise, table
from suite.peers import OURS
from suite.startup import COLD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suite.environments import Installed
    from suite.sandbox import Sandbox

PROCESSES = 8
DELAY_MS = 500
MOST_MS = 350
KEY = "store_key=" + "5a" * 32


class Start(NamedTuple):
    """Round by round: when the last process had ended, without the endpoint's time; and the requests."""

    over_ms: list[float]
    requests: list[int]


def measure(installed: dict[str, Installed], sandbox: Sandbox, rounds: int) -> dict[str, Start]:
    """By store. Without a Redis there is none of it."""
    python = installed[OURS.module].python
    sandbox.lifetime(3600)
    sandbox.fault(delay_ms=DELAY_MS)
    started = {"file": starts(python, sandbox, rounds, ["store=file", KEY])}
    if shutil.which("redis-server"):
        with redis() as url:
            started["redis"] = starts(python, sandbox, rounds, ["store=redis", f"store_url={url}", KEY])
    sandbox.fault()
    return started


def starts(python: Path, sandbox: Sandbox, rounds: int, store: list[str]) -> Start:
    """Each round has a credential, and so a record, of its own."""
    over_ms, requests = [], []
    for number in range(rounds):
        with TemporaryDirectory() as directory:
            place = [f"store_path={directory}"] if "store=file" in store else []
            words = [*sandbox.words, *store, *place, f"audience=start-{number}"]
            before = sandbox.requests()
            began = time.perf_counter()
            running = [subprocess.Popen([python, "-s", COLD, OURS.module, *words]) for _ in range(PROCESSES)]
            failed = [process.wait() for process in running]
            over_ms.append((time.perf_counter() - began) * 1e3 - DELAY_MS)
            requests.append(sandbox.requests() - before)
            if any(failed):
                raise RuntimeError(failed)
    return Start(over_ms, requests)


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a Redis of our own."""
    with TemporaryDirectory() as directory:
        socket = Path(directory) / "socket"
        command = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--dir",
            directory,
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            while not socket.exists():
                time.sleep(0.01)
            yield f"unix://{socket}?db=0"
            server.terminate()


def section(measured: dict[str, Start]) -> list[str]:
    """The table."""
    head = [
        f"{PROCESSES} Python processes at once, endpoint {DELAY_MS} ms; by store",
        "ms until the last has ended, beside those: best / median / worst round",
        "requests",
    ]
    rows = [
        [store, spread(start.over_ms), ", ".join(map(str, sorted(set(start.requests))))]
        for store, start in measured.items()
    ]
    return table(head, rows)


def promises(measured: dict[str, Start]) -> list[Promise]:
    """What was promised of it."""
    return [
        Promise(
            f"{PROCESSES} processes, an empty {store} store: 1 request, all ended within {MOST_MS} ms of it",
            f"requests: {max(start.requests)}; {median(start.over_ms):.0f} ms, interpreter and all",
            set(start.requests) == {1} and median(start.over_ms) <= MOST_MS,
        )
        for store, start in measured.items()
    ]
