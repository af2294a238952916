"""Waiting on an event loop without a thread: for a person, or for a renewal (one pipe serves all waiters)."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from ._tokenkeep import Bell, Token, ask, look

if TYPE_CHECKING:
    from ._tokenkeep import Client, Consent, Waiting

# How often to look, in seconds: where a pipe cannot be watched, and at the latest where it can. Closing the
# client does not close the pipe, and a forked child that lives on holds its other end open.
_POLL = 0.02
_LOOK_ANYWAY = 0.25

# How often to look whether a person has come, in seconds: they do not notice.
_PERSON = 0.05

# The core's clock is coarse: it sees a deadline a few milliseconds after the loop's clock does.
_TICK = 0.005


async def token(client: Client, timeout: float | None, min_valid: float | None) -> Token:
    """Do what `Client.token` does, waiting on the running event loop."""
    answer = ask(client, timeout, min_valid)
    if isinstance(answer, Token):
        return answer
    loop = asyncio.get_running_loop()
    while True:
        left = max(answer.time_left(), _TICK)
        flight = _Flight.of(loop, client, answer)
        await (flight.landing(loop, left) if flight else asyncio.sleep(min(left, _POLL)))
        found = answer.look()
        if found is not None:
            return found


async def wait(consent: Consent, timeout: float) -> Token:
    """Do what `Consent.wait` does, waiting on the running event loop."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        found = look(consent)
        if found is not None:
            return found
        if loop.time() >= deadline:
            # It says why nobody came.
            return consent.wait(0)
        await asyncio.sleep(min(_PERSON, max(deadline - loop.time(), 0)))


def _can_watch(loop: asyncio.AbstractEventLoop) -> bool:
    """Say whether the loop can watch a pipe. On Windows none can, and the default loop watches nothing."""
    return hasattr(Bell, "fileno") and type(loop).add_reader is not asyncio.AbstractEventLoop.add_reader


class _Flight:
    """A renewal under way, as the tasks of one event loop see it.

    The loop keeps it until the renewal lands, even when nobody waits for it any more: the next task joins it,
    and opens no pipe of its own. It keeps the tasks that wait, as a timer of each would.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        # When each looks anyway, by the loop's clock; and when the first of them does.
        self._waiters: dict[asyncio.Future[None], float] = {}
        self._due = math.inf

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop, client: Client, waiting: Waiting) -> _Flight | None:
        """Find the flight or begin to watch it. None where that cannot be."""
        flights = _under_way.get(loop)
        flight = flights.get(client) if flights is not None else None
        if flight is None and _can_watch(loop):
            flight = cls(waiting.bell())
            loop.add_reader(flight._bell.fileno(), flight._land, loop, client)
            _under_way.setdefault(loop, WeakValueDictionary())[client] = flight
        return flight

    def landing(self, loop: asyncio.AbstractEventLoop, seconds: float) -> asyncio.Future[None]:
        """Tell that it has landed, or that it is time to look anyway, after so many seconds at the latest."""
        # One timer serves all whose time comes in the same few milliseconds.
        due = math.ceil((loop.time() + min(seconds, _LOOK_ANYWAY)) / _TICK) * _TICK
        if due < self._due:
            self._look_at(loop, due)
        waiter = loop.create_future()
        self._waiters[waiter] = due
        return waiter

    def _land(self, loop: asyncio.AbstractEventLoop, client: Client) -> None:
        loop.remove_reader(self._bell.fileno())
        del _under_way[loop][client]
        self._wake(list(self._waiters))

    def _look_at(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._due = due
        loop.call_at(due, self._look_anyway, loop, due)

    def _look_anyway(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if due != self._due:
            # An earlier moment has taken the place of this one.
            return
        self._due = math.inf
        self._wake([waiter for waiter, theirs in self._waiters.items() if theirs <= due])
        if self._waiters:
            self._look_at(loop, min(self._waiters.values()))

    def _wake(self, waiters: list[asyncio.Future[None]]) -> None:
        for waiter in waiters:
            del self._waiters[waiter]
            if not waiter.done():
                waiter.set_result(None)


# Neither a loop nor a flight is kept by this: the loop has the flight, and the flight has the loop.
_under_way: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[Client, _Flight]] = (
    WeakKeyDictionary()
)
