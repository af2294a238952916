"""asyncio: one request for many tasks, no stall, no leak."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

TASKS = 64


def open_descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_many_tasks_make_one_request(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=200)

    async def main() -> list[tokenkeep.Token]:
        return list(await asyncio.gather(*(client.token_async() for _ in range(TASKS))))

    tokens = asyncio.run(main())
    assert {id(token) for token in tokens} == {id(client.token())}
    assert sandbox.count("acquired/login") == 1


def test_the_loop_goes_on_meanwhile(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=300)

    async def main() -> float:
        task = asyncio.create_task(client.token_async())
        longest, before = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        return longest

    assert asyncio.run(main()) < 0.1


def test_a_thousand_tasks_on_an_ended_token_hold_up_nothing(sandbox: Sandbox) -> None:
    """Half of them are cancelled. `make bench` holds the release build to 10 ms; this is none."""

    async def main(client: tokenkeep.Client) -> float:
        tasks = [asyncio.create_task(client.token_async()) for _ in range(1000)]
        longest, before = 0.0, time.perf_counter()
        cancelled = False
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
            if not cancelled and renewal_is_under_way.is_set():
                cancelled = True
                for task in tasks[::2]:
                    task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
        assert all(outcome is client.token() for outcome in outcomes[1::2])
        return longest

    renewal_is_under_way = threading.Event()
    longest = []
    for number in range(1, 4):
        client = sandbox.client("acquired")
        sandbox.switch("acquired", lifetime=0.05)
        client.token()
        time.sleep(0.06)
        sandbox.switch("acquired", lifetime=3600)
        sandbox.fault("acquired/login", delay_ms=600)
        renewal_is_under_way.clear()
        threading.Timer(0.3, renewal_is_under_way.set).start()
        longest.append(asyncio.run(main(client)))
        assert sandbox.count("acquired/login") == 2 * number
    # A loop that waited for the renewal would be away for half a second.
    assert min(longest) < 0.2, longest


def test_a_cached_token_costs_no_task_switch(client: tokenkeep.Client) -> None:
    token = client.token()

    async def main() -> None:
        switched: list[bool] = []
        asyncio.get_running_loop().call_soon(switched.append, True)
        assert await client.token_async() is token
        assert not switched
        assert await asyncio.wait_for(client.token_async(), 1) is token
        assert list(await asyncio.gather(client.token_async(), client.token_async())) == [token, token]
        assert await asyncio.create_task(client.token_async()) is token

    asyncio.run(main())
    assert asyncio.run(client.token_async()) is token


def test_it_may_be_run_by_itself(client: tokenkeep.Client) -> None:
    assert asyncio.run(client.token_async()) is client.token()


def test_a_task_cancelled_before_it_starts(client: tokenkeep.Client) -> None:
    client.token()

    async def main() -> None:
        task = asyncio.create_task(client.token_async())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_cancelling_half_leaves_the_other_half_alone(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=300)

    async def main() -> list[Any]:
        tasks = [asyncio.create_task(client.token_async()) for _ in range(TASKS)]
        await asyncio.sleep(0.05)
        for task in tasks[::2]:
            task.cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    outcomes = asyncio.run(main())
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])
    assert all(outcome is client.token() for outcome in outcomes[1::2])
    assert sandbox.count("acquired/login") == 1


def test_each_caller_has_its_own_deadline(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=400)

    async def main() -> list[Any]:
        callers = (client.token_async(timeout=timeout) for timeout in (0.1, 5))
        return list(await asyncio.gather(*callers, return_exceptions=True))

    short, long = asyncio.run(main())
    assert isinstance(short, tokenkeep.TokenTimeout)
    assert long is client.token()


def test_a_failure_is_shared_too(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", status=503, delay_ms=100, times=0)
    client = sandbox.client("acquired", max_attempts=1)

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(client.token_async() for _ in range(8)), return_exceptions=True))

    outcomes = asyncio.run(main())
    assert {type(outcome) for outcome in outcomes} == {tokenkeep.ServerError}
    assert sandbox.count("acquired/login") == 1


def test_a_task_that_nobody_holds_gets_its_token(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    """The loop itself holds no task that waits."""
    sandbox.fault("acquired/login", delay_ms=200)
    got: list[str] = []

    async def one() -> None:
        got.append((await client.token_async()).value)

    async def main() -> None:
        for _ in range(TASKS):
            asyncio.get_running_loop().create_task(one())
        await asyncio.sleep(0.05)
        gc.collect()
        await client.token_async()
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert len(got) == TASKS


def test_closing_the_client_ends_the_wait(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", hang=True, times=0)

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.1, client.close)
        await client.token_async()

    before = time.monotonic()
    with pytest.raises(tokenkeep.Cancelled):
        asyncio.run(main())
    assert time.monotonic() - before < 2


def test_two_loops_and_threads_share_one_renewal(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=300)
    found: list[tokenkeep.Token] = []
    ways: list[Callable[[], tokenkeep.Token]] = [lambda: asyncio.run(client.token_async()), client.token]
    threads = [threading.Thread(target=lambda way=way: found.append(way())) for way in ways * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(token) for token in found} == {id(client.token())}
    assert sandbox.count("acquired/login") == 1


def test_no_descriptor_is_left_behind(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    async def main(account: str) -> None:
        await asyncio.gather(*(client.with_(account=account).token_async() for _ in range(8)))

    asyncio.run(main("first"))
    before = open_descriptors()
    for number in range(20):
        asyncio.run(main(f"number {number}"))
    assert open_descriptors() <= before
    assert sandbox.count("acquired/login") == 21


def test_impatient_callers_share_one_pipe(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", hang=True, times=0)

    async def main() -> int:
        before = open_descriptors()
        for _ in range(20):
            with pytest.raises(tokenkeep.TokenTimeout):
                await client.token_async(timeout=0.01)
        return open_descriptors() - before

    # A pipe's two ends, and the socket of the renewal itself.
    assert asyncio.run(main()) <= 3


def test_a_loop_that_ends_before_the_renewal_leaves_nothing(
    sandbox: Sandbox, client: tokenkeep.Client
) -> None:
    before = open_descriptors()
    sandbox.fault("acquired/login", delay_ms=500)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.token_async(), 0.05)

    asyncio.run(main())
    assert client.token().value
    assert sandbox.count("acquired/login") == 1
    deadline = time.monotonic() + 2
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_descriptors() <= before


def test_a_loop_that_watches_no_pipe(
    sandbox: Sandbox, client: tokenkeep.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fault("acquired/login", delay_ms=200)
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(type(loop), "add_reader", asyncio.AbstractEventLoop.add_reader)
    try:
        # Not `run_until_complete`: a loop's own wake-up pipe was watched when it was made.
        assert loop.run_until_complete(client.token_async()) is client.token()
    finally:
        loop.close()
