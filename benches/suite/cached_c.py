"""A token in memory, in C: against the floor, and against caches as C++ SDKs have them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from suite.measured import ratio, rounded, spread
from suite.page import Promise, table
from suite.sandbox import LONG_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from suite.sandbox import Sandbox

GETS = 50_000
TRACED_GETS = 1_000_000
FLOOR, OURS = "floor", "copy_header"
TITLES = {
    FLOOR: "the floor: both coarse clocks, one comparison, `memcpy`",
    OURS: "`tokenkeep_client_copy_header`",
    "token": "`tokenkeep_client_token` and `_free` (a counted reference, no copy)",
    "mutex": "`std::mutex`, token by value, copied out",
    "shared_mutex": "`std::shared_mutex`, `shared_ptr`, copied out",
}


class CachedC(NamedTuple):
    """What the C programs said."""

    # Nanoseconds per get, round by round, by contender and number of threads.
    ns: dict[tuple[str, int], list[float]]
    # During a million gets; None where nobody could count them.
    system_calls: int | None
    allocations: int | None


def measure(programs: Path, sandbox: Sandbox, rounds: int) -> CachedC:
    """Time all contenders in one program, then count what ours asks of the system."""
    sandbox.lifetime(3600, access_token=LONG_TOKEN)
    command = [programs / "hot_path", str(rounds), str(GETS), *sandbox.c_words]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    said = [json.loads(line) for line in lines]
    ns = {(row["name"], row["threads"]): row["ns"] for row in said}
    gets = [str(programs / "gets"), str(TRACED_GETS), *sandbox.c_words]
    return CachedC(ns, system_calls(gets), allocations(gets, programs / "count_allocations.so"))


def system_calls(gets: list[str]) -> int | None:
    """How many system calls lie between the two marks, on any thread."""
    if shutil.which("strace") is None:
        return None
    command = ["strace", "--follow-forks", "--output", "/dev/stdout", *gets]
    trace = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    begin, end = (number for number, line in enumerate(trace) if '"gets ' in line)
    return end - begin - 1


def allocations(gets: list[str], counter: Path) -> int | None:
    """How often the gets allocated."""
    environment = {**os.environ, "LD_PRELOAD": str(counter)}
    said = subprocess.run(gets, check=True, capture_output=True, text=True, env=environment).stdout
    counted = int(json.loads(said)["allocations"])
    return counted if counted >= 0 else None


def section(measured: CachedC) -> list[str]:
    """The table."""
    rows = [row(measured, name, title) for name, title in TITLES.items()]
    counts = (
        f"A million gets of ours made {told(measured.system_calls)} system calls and "
        f"{told(measured.allocations)} allocations."
    )
    head = [
        "900-byte token, expiring",
        "1 thread, ns: best / median / worst round",
        "to the floor",
        "2 threads, ns each",
        "to 1 thread",
    ]
    return [*table(head, rows), counts, ""]


def row(measured: CachedC, name: str, title: str) -> list[str]:
    """One contender."""
    one, two = measured.ns[name, 1], measured.ns.get((name, 2))
    return [
        title,
        spread(one),
        rounded(ratio(one, measured.ns[FLOOR, 1])),
        spread(two) if two else "one processor only",
        rounded(ratio(two, one)) if two else "",
    ]


def told(count: int | None) -> str:
    """A count, or that there is none."""
    return "uncounted" if count is None else str(count)


def promises(measured: CachedC) -> list[Promise]:
    """What was promised of it."""
    one, two = measured.ns[OURS, 1], measured.ns.get((OURS, 2))
    to_floor = ratio(one, measured.ns[FLOOR, 1])
    to_one = ratio(two, one) if two else None
    system, heap = measured.system_calls, measured.allocations
    return [
        Promise(
            "C copy of a cached, expiring token: at most 2.0 times the floor",
            rounded(to_floor),
            to_floor <= 2.0,
        ),
        Promise(
            "2 threads at most 1.3 times the time of 1",
            rounded(to_one) if to_one else "one processor only",
            None if to_one is None else to_one <= 1.3,
        ),
        Promise("no system call in a million gets", told(system), None if system is None else system == 0),
        Promise("no allocation in a million gets", told(heap), None if heap is None else heap == 0),
    ]
