"""Many clients at once: memory for each, and the time to open them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from suite.measured import rounded
from suite.page import Promise, table

if TYPE_CHECKING:
    from pathlib import Path

WAYS = {"new": "`tokenkeep_client_new`", "with": "`tokenkeep_client_with(account)`"}
COUNTS = (1, 1_000, 100_000)
MOST = COUNTS[-1]
KIBIBYTE = 1024


class Fleet(NamedTuple):
    """What each way said of each number of clients: the run that opened fastest."""

    said: dict[tuple[str, int], dict[str, Any]]


def measure(programs: Path, rounds: int) -> Fleet:
    """A process for each way, number and round."""
    said = {}
    for way in WAYS:
        for count in COUNTS:
            command = [programs / "many_clients", way, str(count)]
            runs = [
                subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)
            ]
            said[way, count] = min(
                (json.loads(run.stdout) for run in runs), key=lambda run: run["open_seconds"]
            )
    return Fleet(said)


def each(said: dict[str, Any]) -> float:
    """Bytes for each client beside its secrets."""
    return float(said["resident_bytes"] - said["secret_bytes"]) / float(said["count"])


def section(measured: Fleet) -> list[str]:
    """The table. What the library needs once is in the first row of each way."""
    rows = [
        [
            f"{WAYS[way]}, {count:,}",
            rounded(said["open_seconds"] * 1e3),
            rounded(said["open_seconds"] / count * 1e6),
            rounded(each(said) / KIBIBYTE),
            rounded(said["free_seconds"] * 1e3),
        ]
        for (way, count), said in measured.said.items()
    ]
    return table(
        [
            "distinct credentials",
            "open all, ms",
            "open one, µs",
            "resident KiB each, beside secrets",
            "free all, ms",
        ],
        rows,
    )


def promises(measured: Fleet) -> list[Promise]:
    """What was promised of it."""
    kept = []
    for way, title in WAYS.items():
        said = measured.said[way, MOST]
        size, seconds = each(said) / KIBIBYTE, said["open_seconds"]
        name = f"{MOST:,} clients by {title}"
        kept.append(Promise(f"{name}: at most 2 KiB each beside their secrets", f"{size:.2f} KiB", size <= 2))
        kept.append(Promise(f"{name}: opened in under 1 s", f"{seconds:.2f} s", seconds < 1))
    return kept
