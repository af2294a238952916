"""Many asyncio tasks and one token."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tokenkeep

TICK = 0.001


async def longest_stall(done: asyncio.Event) -> float:
    """Milliseconds that the loop was late by, at worst."""
    worst = 0.0
    while not done.is_set():
        began = time.perf_counter()
        await asyncio.sleep(TICK)
        worst = max(worst, time.perf_counter() - began - TICK)
    return worst * 1e3


async def awaited(client: tokenkeep.Client, count: int) -> dict[str, Any]:
    """Await the token in `count` tasks and cancel every other one while it waits."""
    done = asyncio.Event()
    watch = asyncio.create_task(longest_stall(done))
    await asyncio.sleep(10 * TICK)
    tasks = [asyncio.create_task(client.token_async()) for _ in range(count)]
    await asyncio.sleep(50 * TICK)
    for task in tasks[::2]:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    done.set()
    failed = sum(isinstance(outcome, BaseException) for outcome in ended[1::2])
    return {"kept": len(ended[1::2]), "failed": failed, "longest_stall_ms": await watch}


def crowd(client: tokenkeep.Client, count: int) -> dict[str, Any]:
    """What became of the tasks, and how long the loop stood still."""
    return asyncio.run(awaited(client, count))
