"""Measures this library and its peers in one run, and writes docs/BENCHMARKS.md.

    run.py [--quick] BUILT

BUILT is where cargo and make put their results. Ends well even where a promise is not kept: the page says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from suite import (
    cached_c,
    cached_python,
    caller,
    fleet,
    lifetimes,
    machine,
    page,
    processes,
    stampede,
    startup,
    window,
)
from suite.environments import ROOT, Environments
from suite.peers import PEERS
from suite.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

    from suite.environments import Installed

PAGE = ROOT / "docs" / "BENCHMARKS.md"
BEGIN, END = "<!-- make bench writes what follows -->", "<!-- make bench wrote what precedes -->"


class Effort(NamedTuple):
    """How many rounds each measurement takes, and of whom the slow ones are made."""

    c_rounds: int
    python_rounds: int
    startup_rounds: int
    fleet_rounds: int
    all_peers: bool


FULL = Effort(c_rounds=101, python_rounds=9, startup_rounds=11, fleet_rounds=3, all_peers=True)
QUICK = Effort(c_rounds=15, python_rounds=3, startup_rounds=3, fleet_rounds=1, all_peers=False)


class Part(NamedTuple):
    """One measurement: its title, the module that knows it, and what it measured."""

    title: str
    module: ModuleType
    measured: Any


class Scene(NamedTuple):
    """What is measured, and against what."""

    programs: Path
    bare: Path
    installed: dict[str, Installed]
    sandbox: Sandbox


def measured(scene: Scene, effort: Effort) -> Iterator[Part]:
    """Every part, one after another: nothing runs beside a measurement."""
    programs, bare, installed, sandbox = scene
    ours, peers = caller.ours(programs, installed, sandbox), caller.peers(installed, sandbox)
    some_peers = peers if effort.all_peers else []
    yield Part("A cached token in C", cached_c, cached_c.measure(programs, sandbox, effort.c_rounds))
    yield Part(
        "A cached token in Python",
        cached_python,
        cached_python.measure(installed, sandbox, effort.python_rounds),
    )
    yield Part(
        "Import, memory, first token, size",
        startup,
        startup.measure(bare, installed, sandbox, effort.startup_rounds),
    )
    yield Part("Stampede", stampede, stampede.measure(ours, peers, sandbox))
    yield Part("Early window", window, window.measure(ours, some_peers, sandbox))
    yield Part("Lifetimes", lifetimes, lifetimes.measure(ours, some_peers, sandbox))
    starts = processes.measure(installed, sandbox, effort.python_rounds)
    yield Part("Processes that start at once", processes, starts)
    yield Part("Many clients", fleet, fleet.measure(programs, effort.fleet_rounds))


def told(parts: Iterator[Part]) -> tuple[list[Part], float]:
    """The parts, each announced when it is done; and how busy the machine was before the worst of them."""
    done: list[Part] = []
    busiest = 0.0
    while True:
        busiest = max(busiest, machine.busy())
        began = time.monotonic()
        part = next(parts, None)
        if part is None:
            return done, busiest
        print(f"{part.title}: {time.monotonic() - began:.0f} s", flush=True)
        done.append(part)


def written(parts: list[Part], preface: list[str]) -> list[str]:
    """The part of the page that is written anew by each run."""
    promised = [promise for part in parts for promise in part.module.promises(part.measured)]
    lines = [*preface, "## What was promised", "", *page.promises(promised)]
    for part in parts:
        lines += [f"## {part.title}", "", *part.module.section(part.measured)]
    return lines


def preface(scene: Scene, skipped: dict[str, str], effort: Effort, busiest: float) -> list[str]:
    """When, on what, and against whom."""
    names = {peer.module: peer.package for peer in PEERS if peer.requirements}
    lines = [f"Measured on {datetime.now(timezone.utc):%Y-%m-%d}.", ""]
    lines += machine.described(scene.bare, busiest)
    lines += [f"Peers: {machine.versions(scene.installed, names)}.", ""]
    for name, why in skipped.items():
        lines += [f"Skipped: {name} ({why}).", ""]
    if not effort.all_peers:
        lines += ["A quick run: few rounds, and the early window and lifetimes of ours alone.", ""]
    return lines


def replaced(text: str, lines: list[str]) -> str:
    """The page with its written part replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join([BEGIN, "", *lines, END]) + after


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description="measures tokenkeep and its peers, and writes docs/BENCHMARKS.md"
    )
    parser.add_argument("built", type=Path, help="where cargo and make put their results")
    parser.add_argument("--quick", action="store_true", help="few rounds, for a look")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    built = options.built.resolve()
    environments = Environments(built / "bench-venv")
    bare, installed = environments.bare(), environments.installed()
    with Sandbox(built / "debug" / "tokenkeep-sandbox") as sandbox:
        scene = Scene(built / "bench", bare, installed, sandbox)
        parts, busiest = told(measured(scene, effort))
    lines = written(parts, preface(scene, environments.skipped, effort, busiest))
    PAGE.write_text(replaced(PAGE.read_text(), lines))
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
