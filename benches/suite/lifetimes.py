"""Tokens that live from seconds to a day: whether they are kept at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from suite.caller import Caller, Kind
from suite.page import Promise, table

if TYPE_CHECKING:
    from suite.sandbox import Sandbox

SECONDS = (5, 10, 19, 29, 39, 59, 120, 200, 299, 600, 900, 3_600, 86_400)
CALLS = 10


class Lifetimes(NamedTuple):
    """How many requests ten calls back to back made: by the name of each kind of caller, life by life."""

    requests: dict[str, list[int]]
    ours: list[str]


def measure(ours: list[Kind], peers: list[Kind], sandbox: Sandbox) -> Lifetimes:
    """A new client for each life; opening it makes the first call."""
    return Lifetimes(
        {kind.name: all_lives(kind, sandbox) for kind in (*ours, *peers)}, [kind.name for kind in ours]
    )


def all_lives(kind: Kind, sandbox: Sandbox) -> list[int]:
    """Requests for each life."""
    counts = []
    with Caller(kind) as caller:
        for life in SECONDS:
            sandbox.lifetime(life)
            before = sandbox.requests()
            caller.tell("open")
            caller.tell("call", CALLS - 1)
            counts.append(sandbox.requests() - before)
    return counts


def section(measured: Lifetimes) -> list[str]:
    """The table."""
    rows = [[name, *map(str, counts)] for name, counts in measured.requests.items()]
    return table([f"requests for {CALLS} calls; life in seconds:", *(f"{life:,}" for life in SECONDS)], rows)


def promises(measured: Lifetimes) -> list[Promise]:
    """What was promised of it."""
    return [
        Promise(
            f"{name}: lifetimes from 5 s to 24 h: {CALLS} calls back to back make 1 request",
            f"{', '.join(map(str, sorted(set(measured.requests[name]))))} at {len(SECONDS)} lifetimes",
            set(measured.requests[name]) == {1},
        )
        for name in measured.ours
    ]
