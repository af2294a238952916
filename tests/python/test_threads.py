"""Threads and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tokenkeep

if TYPE_CHECKING:
    from sandbox import Sandbox

THREADS = 64


def all_at_once(client: tokenkeep.Client, timeout: float | None = None) -> list[tokenkeep.Token | Exception]:
    barrier = threading.Barrier(THREADS)

    def ask(_: int) -> tokenkeep.Token | Exception:
        barrier.wait()
        try:
            return client.token(timeout=timeout)
        except tokenkeep.Error as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask, range(THREADS)))


def test_sixty_four_threads_make_one_request(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=200)
    tokens = all_at_once(client)
    assert {id(token) for token in tokens} == {id(client.token())}
    assert sandbox.count("acquired/login") == 1
    assert client.stats().shared_waits == THREADS - 1


def test_a_failure_is_shared_too(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", status=503, delay_ms=200, times=0)
    client = sandbox.client("acquired", max_attempts=1)
    errors = all_at_once(client)
    assert {type(error) for error in errors} == {tokenkeep.ServerError}
    assert sandbox.count("acquired/login") == 1


def test_other_threads_run_while_one_waits(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=400)
    waiting = threading.Thread(target=client.token)
    waiting.start()
    turns = 0
    while waiting.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 50


def test_close_ends_a_wait_in_another_thread(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", hang=True, times=0)
    threading.Timer(0.2, client.close).start()
    before = time.monotonic()
    with pytest.raises(tokenkeep.Cancelled):
        client.token()
    assert time.monotonic() - before < 1


def test_ctrl_c_ends_a_wait_and_leaves_the_client_sound(sandbox: Sandbox, tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text(
        f"""
import signal, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
signal.signal(signal.SIGINT, signal.default_int_handler)
import tokenkeep
client = tokenkeep.Client("acquired", **{sandbox.settings("acquired")!r})
print("waiting", flush=True)
try:
    client.token()
except KeyboardInterrupt as interrupt:
    print("interrupted", interrupt.__context__, flush=True)
sys.stdin.readline()
print(client.token().lifetime, flush=True)
"""
    )
    sandbox.fault("acquired/login", delay_ms=1500)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, script], stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "waiting\n"
        time.sleep(0.3)
        before = time.monotonic()
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == "interrupted None\n"
        assert time.monotonic() - before < 0.3
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.stdout.readline() == "known\n"
        assert program.wait(timeout=10) == 0
    assert sandbox.count("acquired/login") == 1


def test_a_signal_handler_runs_while_the_main_thread_waits(
    sandbox: Sandbox, client: tokenkeep.Client
) -> None:
    sandbox.fault("acquired/login", delay_ms=600)
    seen: list[tokenkeep.Token | None] = []
    old = signal.signal(signal.SIGUSR1, lambda *_: seen.append(client.peek()))
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        assert client.token().value
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert seen == [None]


def test_a_signal_handler_may_call_in_again(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=600)
    seen: list[tokenkeep.Token] = []
    old = signal.signal(signal.SIGUSR1, lambda *_: seen.append(client.token(timeout=5)))
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        token = client.token()
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert seen == [token]
    assert sandbox.count("acquired/login") == 1


# What a program does last while its renewal hangs.
WAYS_TO_LEAVE = {
    "it falls off the end": "",
    "it exits": "sys.exit(0)",
    "it frees the client": "del client; gc.collect()",
    "it closes the client": "client.close()",
    "a daemon waits": "threading.Thread(target=client.token, daemon=True).start(); time.sleep(0.05)",
}


@pytest.mark.parametrize("way", WAYS_TO_LEAVE)
def test_a_hanging_renewal_does_not_hold_up_the_exit(sandbox: Sandbox, way: str) -> None:
    sandbox.fault("acquired/login", hang=True, times=0)
    script = f"""
import gc, sys, threading, time, tokenkeep
client = tokenkeep.Client("acquired", **{sandbox.settings("acquired")!r})
client.prefetch()
print("leaving", flush=True)
{WAYS_TO_LEAVE[way]}
"""
    # The best of some: the machine may be busy with something else.
    assert min(time_to_end(script) for _ in range(5)) < 0.2


def time_to_end(script: str) -> float:
    """Seconds from a program's word that it leaves to its end."""
    command = [sys.executable, "-W", "error", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "leaving\n"
        before = time.monotonic()
        assert program.wait(timeout=10) == 0
        took = time.monotonic() - before
        assert program.stderr.read() == ""
    return took


def test_no_thread_gets_a_token_past_its_end(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.switch("acquired", lifetime=0.1)
    # Renewals begin 20 ms before the end and take longer.
    sandbox.fault("acquired/login", delay_ms=30, times=0)
    # The wall clock as the library reads it, and never ahead of its next look. Python has no name for it.
    coarse = 5

    def ask(_: int) -> None:
        while client.stats().renewals <= 20:
            before = time.clock_gettime(coarse)
            try:
                expires_at = client.token().expires_at
            except tokenkeep.ProtocolError:
                # On a machine so busy that renewals take a whole lifetime, they say so.
                continue
            assert expires_at is not None
            # The date counts whole microseconds.
            assert expires_at.timestamp() > before - 2e-6
            time.sleep(0.001)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))
