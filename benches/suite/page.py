"""The pieces that the page is made of."""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """A figure that was promised, and what was measured."""

    promised: str
    measured: str
    # None: could not be measured here.
    kept: bool | None


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A table; all columns but the first hold numbers."""
    rule = ["---", *("---:" for _ in head[1:])]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)] + [""]


def verdict(kept: bool | None) -> str:
    """How a promise stands."""
    return {True: "PASS", False: "NOT YET", None: "not measured"}[kept]


def promises(kept: list[Promise]) -> list[str]:
    """The table of all promises."""
    rows = [[promise.promised, promise.measured, verdict(promise.kept)] for promise in kept]
    return table(["promised", "measured", ""], rows)
