"""The early window: a token that still lives, due for renewal, and an endpoint that is slow or fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from suite.caller import Caller, Kind
from suite.measured import rounded
from suite.page import Promise, table
from suite.stampede import THREADS, Outcome

if TYPE_CHECKING:
    from suite.peers import Early
    from suite.sandbox import Sandbox

SLOW_MS = 2_000
FAILING = 503
LONGEST_MS = 5
# How long before its end a token is asked for a last time, and how long after, in seconds.
MARGIN = 0.3


class Ending(NamedTuple):
    """How a failing endpoint shows, before and after the token's end."""

    failed_before: int
    calls_before: int
    failed_after: int
    calls_after: int


class Window(NamedTuple):
    """By the name of each kind of caller."""

    slow: dict[str, Outcome]
    failing: dict[str, Outcome]
    # For ours alone.
    endings: dict[str, Ending]
    # Those that renew only what has ended.
    without: list[str]


def measure(ours: list[Kind], peers: list[Kind], sandbox: Sandbox) -> Window:
    """Every library that has such a window."""
    kinds = [(kind, kind.early) for kind in (*ours, *peers) if kind.early is not None]
    slow = {kind.name: in_window(kind, early, sandbox, delay_ms=SLOW_MS) for kind, early in kinds}
    failing = {kind.name: in_window(kind, early, sandbox, status=FAILING) for kind, early in kinds}
    endings = {kind.name: to_the_end(kind, early, sandbox) for kind, early in kinds if kind.is_ours}
    without = [kind.name for kind in peers if kind.early is None]
    return Window(slow, failing, endings, without)


def bring_into_window(caller: Caller, early: Early, sandbox: Sandbox, **fault: object) -> None:
    """Have the caller hold a token that is due, and the endpoint do this from now on."""
    sandbox.fault()
    sandbox.lifetime(early.lifetime, **dict(early.extra))
    caller.tell("open", early.settings)
    if early.wait:
        caller.tell("skip", early.wait)
    sandbox.lifetime(3600)
    sandbox.fault(**fault)


def in_window(kind: Kind, early: Early, sandbox: Sandbox, **fault: object) -> Outcome:
    """All threads ask at once."""
    with Caller(kind) as caller:
        bring_into_window(caller, early, sandbox, **fault)
        before = sandbox.requests()
        calls = caller.calls("herd", THREADS)
        requests = sandbox.requests() - before
    sandbox.fault()
    return Outcome(calls, requests)


def to_the_end(kind: Kind, early: Early, sandbox: Sandbox) -> Ending:
    """All threads ask again and again while the endpoint fails, and once more after the token's end."""
    with Caller(kind) as caller:
        opened = time.monotonic()
        bring_into_window(caller, early, sandbox, status=FAILING)
        failed = calls = 0
        while time.monotonic() - opened < early.lifetime - MARGIN:
            herd = caller.calls("herd", THREADS)
            failed, calls = failed + herd.failed + herd.stale, calls + THREADS
            caller.tell("skip", MARGIN / 3)
        caller.tell("skip", 2 * MARGIN)
        after = caller.calls("herd", THREADS)
    sandbox.fault()
    return Ending(failed, calls, after.failed, THREADS)


def section(measured: Window) -> list[str]:
    """The table."""
    rows = [row(measured, name) for name in measured.slow]
    head = [
        f"{THREADS} threads, token lives but is due",
        f"endpoint takes {SLOW_MS / 1000:.0f} s: longest wait, ms",
        "requests",
        f"endpoint says {FAILING}: longest wait, ms",
        "requests",
        "failed calls",
    ]
    lines = table(head, rows)
    if measured.without:
        lines += [f"No such window: {', '.join(measured.without)} (renews what has ended).", ""]
    return lines


def row(measured: Window, name: str) -> list[str]:
    """One kind of caller."""
    slow, failing = measured.slow[name], measured.failing[name]
    return [
        name,
        rounded(slow.calls.longest_ms),
        str(slow.requests),
        rounded(failing.calls.longest_ms),
        str(failing.requests),
        str(failing.calls.failed),
    ]


def promises(measured: Window) -> list[Promise]:
    """What was promised of it."""
    kept = []
    for name, ending in measured.endings.items():
        longest = measured.slow[name].calls.longest_ms
        window = f"{name}: early window, {THREADS} threads"
        kept.append(
            Promise(
                f"{window}, endpoint at {SLOW_MS / 1000:.0f} s: longest wait under {LONGEST_MS} ms",
                f"{rounded(longest)} ms",
                longest < LONGEST_MS,
            )
        )
        kept.append(
            Promise(
                f"{window}, {FAILING}: 0 failed calls until real expiry, all failing after it",
                f"{ending.failed_before} of {ending.calls_before} before, "
                f"{ending.failed_after} of {ending.calls_after} after",
                ending.failed_before == 0 and ending.failed_after == ending.calls_after,
            )
        )
    return kept
