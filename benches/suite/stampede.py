"""Many threads on a token that has ended: what the vendor sees of it, and how long the last one waits."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from suite.caller import Caller, Calls, Kind
from suite.measured import rounded, spread
from suite.page import Promise, table

if TYPE_CHECKING:
    from suite.sandbox import Sandbox

THREADS = 64
DELAY_MS = 200
# A life short enough to be waited for, in seconds, and the wait.
LIFE, OVER = 1, 1.2
DEADLINE_MS = 2_000
GRACE_MS = 200
# One caller's tries: the default of the setting max_attempts.
TRIES = 3
FEW_THREADS = 16
TASKS = 1_000
# How often they are made, each time by a new process.
CROWDS = 9
LONGEST_STALL_MS = 10


class Outcome(NamedTuple):
    """What callers got, and what the server saw of it."""

    calls: Calls
    requests: int


class Stampede(NamedTuple):
    """By the name of each kind of caller; the last three for ours alone."""

    slow: dict[str, Outcome]
    black_hole: dict[str, Outcome]
    failing: dict[str, Outcome]
    # Round by round: tasks that were kept, tasks of those that failed, the loop's longest stall, requests.
    tasks: list[dict[str, float]]


def measure(ours: list[Kind], peers: list[Kind], sandbox: Sandbox) -> Stampede:
    """Every library on a slow endpoint; ours on endpoints that are worse than slow, too."""
    slow = {kind.name: stampede(kind, sandbox, THREADS, "", delay_ms=DELAY_MS) for kind in (*ours, *peers)}
    deadline = f"timeout={DEADLINE_MS // 1000}"
    black_hole = {kind.name: stampede(kind, sandbox, THREADS, deadline, hang=True) for kind in ours}
    failing = {kind.name: stampede(kind, sandbox, FEW_THREADS, "", status=503) for kind in ours}
    crowds = [tasks(ours[-1], sandbox) for _ in range(CROWDS)]
    return Stampede(slow, black_hole, failing, crowds)


def with_ended_token(caller: Caller, sandbox: Sandbox, settings: str) -> None:
    """Have the caller hold a token that has ended, and the server give long-lived ones from now on."""
    sandbox.fault()
    sandbox.lifetime(LIFE)
    caller.tell("open", settings)
    caller.tell("expire", OVER)
    sandbox.lifetime(3600)


def stampede(kind: Kind, sandbox: Sandbox, threads: int, settings: str, **fault: object) -> Outcome:
    """All threads ask at once while the endpoint has this fault."""
    with Caller(kind) as caller:
        with_ended_token(caller, sandbox, settings)
        sandbox.fault(**fault)
        before = sandbox.requests()
        calls = caller.calls("herd", threads)
        requests = sandbox.requests() - before
    sandbox.fault()
    return Outcome(calls, requests)


def tasks(kind: Kind, sandbox: Sandbox) -> dict[str, float]:
    """A thousand asyncio tasks await one token, and every other one is cancelled."""
    with Caller(kind) as caller:
        with_ended_token(caller, sandbox, "")
        sandbox.fault(delay_ms=DELAY_MS)
        before = sandbox.requests()
        answer = caller.tell("tasks", TASKS)
        answer["requests"] = sandbox.requests() - before
    sandbox.fault()
    return answer


def section(measured: Stampede) -> list[str]:
    """The table."""
    rows = [
        [
            name,
            str(outcome.requests),
            rounded(outcome.calls.longest_ms),
            rounded(outcome.calls.longest_ms / DELAY_MS),
            str(outcome.calls.failed),
            str(outcome.calls.stale),
        ]
        for name, outcome in measured.slow.items()
    ]
    head = [
        f"{THREADS} threads, token ended, endpoint takes {DELAY_MS} ms",
        "requests",
        "longest wait, ms",
        "to the endpoint's delay",
        "failed calls",
        "calls given the ended token",
    ]
    return table(head, rows)


def promises(measured: Stampede) -> list[Promise]:
    """What was promised of it."""
    return [
        *(one_request(name, measured.slow[name]) for name in measured.failing),
        *(all_back(name, outcome) for name, outcome in measured.black_hole.items()),
        *(one_failure(name, outcome) for name, outcome in measured.failing.items()),
        one_for_all_tasks(measured.tasks),
    ]


def one_request(name: str, outcome: Outcome) -> Promise:
    """The stampede makes one request."""
    calls = outcome.calls
    return Promise(
        f"{name}: a stampede of {THREADS} threads makes exactly 1 request",
        f"requests: {outcome.requests}; failed calls: {calls.failed}",
        outcome.requests == 1 and calls.failed == 0 and calls.stale == 0,
    )


def all_back(name: str, outcome: Outcome) -> Promise:
    """A vendor that never answers costs each caller its own deadline, and is asked by one."""
    late = outcome.calls.longest_ms - DEADLINE_MS
    return Promise(
        f"{name}: {THREADS} threads on a black-holed vendor are back within the deadline + {GRACE_MS} ms, "
        f"after at most {TRIES} requests",
        f"{rounded(late)} ms after it; requests: {outcome.requests}",
        late <= GRACE_MS and outcome.requests <= TRIES,
    )


def one_failure(name: str, outcome: Outcome) -> Promise:
    """A failure is shared."""
    outcomes = set(outcome.calls.outcomes)
    return Promise(
        f"{name}: token ended and 503, {FEW_THREADS} threads: at most {TRIES} requests, "
        "the same error for all",
        f"requests: {outcome.requests}; {', '.join(sorted(outcomes))}",
        outcome.requests <= TRIES and len(outcomes) == 1 and outcome.calls.failed == FEW_THREADS,
    )


def one_for_all_tasks(crowds: list[dict[str, float]]) -> Promise:
    """Tasks share a request and leave the loop alone. A stall holds the cost of making the tasks, too."""
    stalls = [crowd["longest_stall_ms"] for crowd in crowds]
    requests = max(crowd["requests"] for crowd in crowds)
    failed = sum(crowd["failed"] for crowd in crowds)
    return Promise(
        f"{TASKS:,} asyncio tasks on an ended token, half of them cancelled: 1 request, the rest get theirs, "
        f"the loop never blocked over {LONGEST_STALL_MS} ms",
        f"requests: {requests:.0f}; failed: {failed:.0f}; {spread(stalls)} ms, "
        f"best / median / worst of {CROWDS} processes",
        requests == 1 and failed == 0 and median(stalls) <= LONGEST_STALL_MS,
    )
