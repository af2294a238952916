"""What it costs to begin: import, memory, a first token from a cold process, and disk."""

from __future__ import annotations

import os
import subprocess
import time
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from suite.environments import ROOT
from suite.measured import difference, rounded, spread
from suite.page import Promise, table
from suite.peers import OURS, PEERS

if TYPE_CHECKING:
    from pathlib import Path

    from suite.environments import Installed
    from suite.sandbox import Sandbox

COLD = ROOT / "benches" / "python" / "cold.py"
MEGABYTE = 1e6
# What an import of ours must not bring along.
UNWANTED = ("ssl", "requests", "logging", "datetime", "asyncio")
RESIDENT = "print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
BARE = "bare"


class Stored(NamedTuple):
    """Ours, with a token that another process has left in the file store."""

    over_bare_ms: list[float]
    requests: int


class Startup(NamedTuple):
    """Round by round, by module; `bare` is Python with nothing imported."""

    import_ms: dict[str, list[float]]
    resident: dict[str, list[float]]
    first_token_ms: dict[str, list[float]]
    stored: Stored
    installed: dict[str, Installed]
    brought_along: list[str]


def measure(bare: Path, installed: dict[str, Installed], sandbox: Sandbox, rounds: int) -> Startup:
    """Each round starts a process of every library. The first, which writes bytecode, is not counted."""
    sandbox.lifetime(3600)
    imports = {peer.module: f"import {peer.imports}" for peer in (OURS, *PEERS) if peer.requirements}
    imports = {module: line for module, line in imports.items() if module in installed}
    pythons = {BARE: bare, **{module: installed[module].python for module in imports}}
    import_ms: dict[str, list[float]] = {module: [] for module in pythons}
    resident: dict[str, list[float]] = {module: [] for module in pythons}
    first_token_ms: dict[str, list[float]] = {module: [] for module in pythons}
    for number in range(rounds + 1):
        for module, python in pythons.items():
            program = f"{imports.get(module, 'pass')}\nimport os\n{RESIDENT}"
            took, said = timed([python, "-I", "-c", program])
            script = ["-c", "pass"] if module == BARE else [COLD, module, *sandbox.words]
            took_cold, _ = timed([python, "-s", *script])
            if number > 0:
                import_ms[module].append(took)
                resident[module].append(float(said))
                first_token_ms[module].append(took_cold)
    ours = installed[OURS.module].python
    stored = out_of_the_store(bare, ours, sandbox, rounds)
    return Startup(import_ms, resident, first_token_ms, stored, installed, brought_along(ours))


def out_of_the_store(bare: Path, ours: Path, sandbox: Sandbox, rounds: int) -> Stored:
    """A process fills the store; those that follow are counted, each beside one of bare Python."""
    with TemporaryDirectory() as directory:
        store = ["store=file", f"store_path={directory}", f"store_key={'5a' * 32}"]
        command = [ours, "-s", COLD, OURS.module, *sandbox.words, *store]
        timed(command)
        before = sandbox.requests()
        over_bare_ms = [timed(command)[0] - timed([bare, "-s", "-c", "pass"])[0] for _ in range(rounds)]
        return Stored(over_bare_ms, sandbox.requests() - before)


def timed(command: list[Path | str]) -> tuple[float, str]:
    """Milliseconds from the start of a process to its end, and what it printed."""
    # Bytecode is kept, as it is wherever a library is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return (time.perf_counter() - began) * 1e3, done.stdout


def brought_along(python: Path) -> list[str]:
    """The unwanted modules that an import of ours loads."""
    program = f"import {OURS.imports}, sys; print(*(name for name in {UNWANTED} if name in sys.modules))"
    return timed([python, "-I", "-c", program])[1].split()


def section(measured: Startup) -> list[str]:
    """The table."""
    head = [
        "over bare Python",
        "import, ms",
        "its process, ms: best / median / worst round",
        "memory, MB",
        "first token, ms",
        "installed, MB",
        "packages",
    ]
    rows = [
        row(measured, peer.name, peer.module) for peer in (OURS, *PEERS) if peer.module in measured.import_ms
    ]
    bare = [
        "bare Python itself",
        "",
        spread(measured.import_ms[BARE]),
        rounded(median(measured.resident[BARE]) / MEGABYTE),
        rounded(median(measured.first_token_ms[BARE])),
        "",
        "",
    ]
    stored, requests = measured.stored
    return [
        *table(head, [bare, *rows]),
        f"A token of tokenkeep's out of the file store, over bare Python: {spread(stored)} ms,",
        f"best, median and worst round; requests: {requests}.",
        "",
    ]


def row(measured: Startup, name: str, module: str) -> list[str]:
    """One library."""
    return [
        name,
        rounded(difference(measured.import_ms[module], measured.import_ms[BARE])),
        spread(measured.import_ms[module]),
        rounded(difference(measured.resident[module], measured.resident[BARE]) / MEGABYTE),
        rounded(difference(measured.first_token_ms[module], measured.first_token_ms[BARE])),
        rounded(measured.installed[module].size / MEGABYTE),
        str(measured.installed[module].packages),
    ]


def promises(measured: Startup) -> list[Promise]:
    """What was promised of it."""
    ours = OURS.module
    added = difference(measured.import_ms[ours], measured.import_ms[BARE])
    memory = difference(measured.resident[ours], measured.resident[BARE]) / MEGABYTE
    first = difference(measured.first_token_ms[ours], measured.first_token_ms[BARE])
    stored = median(measured.stored.over_bare_ms)
    packages = measured.installed[ours].packages
    along = measured.brought_along
    return [
        Promise("import adds at most 5 ms to bare Python", f"{rounded(added)} ms", added <= 5),
        Promise("import adds at most 2 MB", f"{rounded(memory)} MB", memory <= 2),
        Promise("one package", str(packages), packages == 1),
        Promise(f"none of {', '.join(UNWANTED)} after it", ", ".join(along) or "none", not along),
        Promise(
            "first token from a cold process: at most 25 ms over bare Python",
            f"{rounded(first)} ms",
            first <= 25,
        ),
        Promise(
            "a token out of the file store, from a cold process: at most 8 ms over bare Python, no request",
            f"{rounded(stored)} ms; requests: {measured.stored.requests}",
            stored <= 8 and measured.stored.requests == 0,
        ),
    ]
