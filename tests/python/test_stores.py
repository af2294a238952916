"""One grant in many processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import cloudpickle  # type: ignore[import-untyped]
import pytest
import tokenkeep

from person import visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


@pytest.fixture
def stored(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A client of Acquired.com's settings, with a store and no literal secret: it can travel."""
    settings = sandbox.settings("acquired", store="file", store_path=tmp_path / "grants")
    monkeypatch.setenv("TEST_APP_KEY", settings.pop("app_key"))
    monkeypatch.setenv("TEST_STORE_KEY", KEY)
    return {**settings, "app_key_env": "TEST_APP_KEY", "store_key_env": "TEST_STORE_KEY"}


def consented(sandbox: Sandbox, **overrides: Any) -> tokenkeep.Client:
    client = sandbox.client("pink", **overrides)
    with client.consent() as consent:
        consent.finish(visit(consent.url))
    return client


def value(client: tokenkeep.Client) -> str:
    return client.token(timeout=15).value


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_worker_processes_share_one_login(method: str, sandbox: Sandbox, stored: dict[str, Any]) -> None:
    client = tokenkeep.Client("acquired", **stored)
    sandbox.fault("acquired/login", delay_ms=300, times=0)
    with multiprocessing.get_context(method).Pool(4) as pool:
        values = pool.map(value, [client] * 8, chunksize=1)
    assert len(set(values)) == 1
    assert sandbox.count("acquired/login") == 1
    assert value(client) == values[0]
    assert sandbox.count("acquired/login") == 1


def test_a_forked_worker_uses_its_parents_client(sandbox: Sandbox, stored: dict[str, Any]) -> None:
    client = tokenkeep.Client("acquired", **stored)
    context = multiprocessing.get_context("fork")
    values = context.SimpleQueue()
    workers = [context.Process(target=lambda: values.put(value(client))) for _ in range(4)]
    for worker in workers:
        worker.start()
    assert len({values.get() for _ in workers}) == 1
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert sandbox.count("acquired/login") == 1


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_an_unpickled_client_takes_the_stored_token(
    pickler: Any, sandbox: Sandbox, stored: dict[str, Any]
) -> None:
    client = tokenkeep.Client("acquired", **stored)
    had = value(client)
    # cloudpickle takes the function along, and the client in it.
    travelling = pickler.dumps(client) if pickler is pickle else pickler.dumps(lambda: client.token().value)
    assert b"SANDBOX" not in travelling
    assert KEY.encode() not in travelling
    script = "import pickle, sys; it = pickle.load(sys.stdin.buffer)\n"
    script += "print(it.token().value if hasattr(it, 'token') else it())"
    there = subprocess.run([sys.executable, "-c", script], input=travelling, capture_output=True, check=True)
    assert there.stdout.decode().strip() == had
    assert sandbox.count("acquired/login") == 1


def test_a_single_use_refresh_token_in_memory_is_not_used_by_an_unpickled_copy(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sandbox.settings("pink", grant="refresh_token")
    monkeypatch.setenv("TEST_REFRESH", "SANDBOX-SECRET-of-somebody")
    monkeypatch.setenv("TEST_SECRET", settings.pop("client_secret"))
    for name in ("authorize_url", "redirect_uri"):
        del settings[name]
    client = tokenkeep.Client(
        "pink", **settings, refresh_token_env="TEST_REFRESH", client_secret_env="TEST_SECRET"
    )
    script = "import pickle, sys, tokenkeep\nclient = pickle.load(sys.stdin.buffer)\n"
    script += "try: client.token()\nexcept tokenkeep.StoreError as error: print(error)"
    there = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(client), capture_output=True, check=True
    )
    assert b"pickle" in there.stdout
    assert b"store = file" in there.stdout
    assert sandbox.count("pink/token") == 0


def test_two_hundred_forks_while_threads_renew(sandbox: Sandbox, stored: dict[str, Any]) -> None:
    sandbox.switch("acquired", lifetime=0.3)
    sandbox.fault("acquired/login", delay_ms=5, times=0)
    memory = sandbox.client("acquired")
    clients = [memory, tokenkeep.Client("acquired", **stored)]
    oauth2 = sandbox.client("oauth2")
    done = threading.Event()
    failures: list[BaseException] = []

    def renew() -> None:
        try:
            while not done.is_set():
                for client in clients:
                    assert "SANDBOX-TOKEN" in value(client)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(200):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                good = all("SANDBOX-TOKEN" in value(client) for client in clients)
                audience = f"child-{number}"
                headers = oauth2.with_(audience=audience).token(timeout=15).headers
                good = good and sandbox.fetch(sandbox.resource("oauth2"), headers)["audience"] == [audience]
                os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures
    asked = sandbox.requests("oauth2/token")
    assert len(asked) == 200
    # A child that used a socket of its parent's would get another's answer, or send on another's connection.
    assert len({request["connection"] for request in asked}) == 200


def test_gunicorn_workers_of_a_preloaded_application_share_one_grant(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.switch("pink", lifetime=1)
    shared = {"account": "web", "redirect_uri": "https://app.example/callback"}
    shared |= {"store": "file", "store_path": str(tmp_path / "grants"), "store_key": KEY}
    client = consented(sandbox, **shared)
    settings = sandbox.settings("pink", **shared)
    application = tmp_path / "application.py"
    application.write_text(f"""
import os, tokenkeep
client = tokenkeep.Client("pink", **{settings!r})
client.token()
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{{os.getpid()}} {{client.token().value}}".encode()]
""")
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "3", "--bind", "127.0.0.1:0"]
    server = subprocess.Popen(
        [*command, "--chdir", str(tmp_path), "application:application"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        port = next(int(line.split(":")[-1].split()[0]) for line in server.stderr if "Listening at" in line)
        began, pids, values = time.monotonic(), set(), []
        while time.monotonic() - began < 5:
            connection = HTTPConnection("127.0.0.1", port, timeout=15)
            connection.request("GET", "/")
            pid, token = connection.getresponse().read().decode().split()
            connection.close()
            assert "SANDBOX-TOKEN" in token
            pids.add(pid)
            values.append(token)
        assert len(pids) > 1
    finally:
        server.terminate()
        server.communicate(timeout=20)
    # Each token came of one refresh, and none was refused: one spent twice would have ended the grant.
    assert sandbox.count("pink/token") <= len(set(values)) + 2
    assert value(client)


class Table:
    """A table of a database, so to speak."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes, float | None]] = {}
        self.locks: dict[str, threading.Lock] = {}
        self.threads: set[int] = set()
        self.down = False

    def load(self, name: str) -> bytes | None:
        self.threads.add(threading.get_ident())
        if self.down:
            raise ConnectionError("the database is away")
        return self.rows.get(name, (None, None))[0]

    def save(self, name: str, record: bytes, expires_at: float | None) -> None:
        self.rows[name] = (record, expires_at)

    def remove(self, name: str) -> None:
        self.rows.pop(name, None)

    def lock(self, name: str, timeout: float) -> bool:
        return self.locks.setdefault(name, threading.Lock()).acquire(timeout=timeout)

    def unlock(self, name: str) -> None:
        self.locks[name].release()


METHODS = ("load", "save", "lock", "unlock")


def test_a_grant_lies_in_an_object_of_the_programs_own(sandbox: Sandbox) -> None:
    table = Table()
    settings = sandbox.settings("acquired", store=table, store_key=KEY)
    had = value(tokenkeep.Client("acquired", **settings))
    assert value(tokenkeep.Client("acquired", **settings)) == had
    assert sandbox.count("acquired/login") == 1
    ((record, expires_at),) = table.rows.values()
    assert had.encode() not in record
    assert expires_at is not None
    assert 3500 < expires_at - time.time() <= 3600
    assert table.threads == {threading.get_ident()}
    assert not any(lock.locked() for lock in table.locks.values())


def test_refresh_tokens_lie_there_too_and_a_revoked_grant_is_gone(sandbox: Sandbox) -> None:
    table = Table()
    sandbox.switch("pink", lifetime=0.3)
    shared = {"account": "own", "redirect_uri": "https://app.example/callback"}
    settings = {**shared, "store": table, "store_key": KEY}
    consented(sandbox, **settings)
    for _ in range(2):
        time.sleep(0.31)
        assert value(sandbox.client("pink", **settings))
    assert sandbox.count("pink/token") == 3
    sandbox.client("pink", **settings).revoke()
    assert not table.rows


def test_what_its_exceptions_say_is_told_and_tokens_come(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table()
    table.down = True
    assert value(sandbox.client("acquired", store=table, store_key=KEY))
    assert "ConnectionError: the database is away" in caplog.text
    assert "memory alone" in caplog.text


@contextmanager
def sigint(after: float) -> Iterator[None]:
    """Press Ctrl-C meanwhile."""
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)


# A method of a store, and what it raises there.
INTERRUPTED = [(method, kind) for method in METHODS for kind in (KeyboardInterrupt, SystemExit)]


@pytest.mark.parametrize(("method", "kind"), INTERRUPTED)
def test_what_is_no_failure_of_the_store_is_raised_by_the_call_and_leaves_all_sound(
    method: str, kind: type[BaseException], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table()
    settings = sandbox.settings("acquired", store=table, store_key=KEY)
    client = tokenkeep.Client("acquired", **settings)
    works = getattr(table, method)

    def interrupted(*given: Any) -> Any:
        monkeypatch.undo()
        works(*given)
        raise kind("from outside")

    monkeypatch.setattr(table, method, interrupted)
    with pytest.raises(kind, match="from outside") as caught:
        client.token()
    assert caught.value.__context__ is None
    if method == "lock":
        # It was had, and nobody but the store knows.
        table.locks.clear()
    # It was raised once, and the renewal went on meanwhile: others may wait for it.
    assert "SANDBOX-TOKEN" in value(client)
    assert sandbox.count("acquired/login") == 1
    assert value(tokenkeep.Client("acquired", **settings))
    assert not any(lock.locked() for lock in table.locks.values())


def test_ctrl_c_while_the_vendor_is_asked_loses_no_refresh_token(sandbox: Sandbox) -> None:
    table = Table()
    settings: dict[str, Any] = {"account": "ctrl-c", "redirect_uri": "https://app.example/callback"}
    settings |= {"store": table, "store_key": KEY}
    client = consented(sandbox, **settings)
    client.rejected(client.token())
    ((before, _),) = table.rows.values()
    sandbox.fault("pink/token", delay_ms=300)
    with sigint(after=0.1), pytest.raises(KeyboardInterrupt):
        client.token()
    ((after, _),) = table.rows.values()
    assert after != before
    assert not any(lock.locked() for lock in table.locks.values())
    assert value(client)
    assert value(sandbox.client("pink", **settings))
    assert sandbox.count("pink/token") == 2


def test_ctrl_c_while_the_vendor_is_asked_breaks_in_on_no_method_of_the_store(sandbox: Sandbox) -> None:
    table = Table()
    client = sandbox.client("acquired", store=table, store_key=KEY)
    sandbox.fault("acquired/login", delay_ms=300)
    with sigint(after=0.1), pytest.raises(KeyboardInterrupt):
        client.token()
    assert len(table.rows) == 1
    assert not any(lock.locked() for lock in table.locks.values())


def test_ctrl_c_ends_the_wait_for_a_lock_that_another_holds(sandbox: Sandbox) -> None:
    class Taken(Table):
        def lock(self, name: str, timeout: float) -> bool:
            self.locks[name] = threading.Lock()
            time.sleep(timeout)
            return False

    table = Taken()
    client = sandbox.client("acquired", store=table, store_key=KEY)
    began = time.monotonic()
    with sigint(after=0.2), pytest.raises(KeyboardInterrupt):
        client.token()
    assert time.monotonic() - began < 5, "the lock is waited for for ten seconds"
    assert table.locks
    assert value(client)


def test_a_store_that_uses_its_client_is_refused(sandbox: Sandbox) -> None:
    class Meddler(Table):
        seen: type[Exception] | None = None

        def load(self, name: str) -> bytes | None:
            try:
                client.token()
            except tokenkeep.Error as error:
                Meddler.seen = type(error)
            return super().load(name)

    client = sandbox.client("acquired", store=Meddler(), store_key=KEY)
    assert value(client)
    assert Meddler.seen is tokenkeep.Reentrant


def test_an_object_of_the_programs_own_does_not_travel(sandbox: Sandbox) -> None:
    table = Table()
    client = sandbox.client("acquired", store=table, store_key=KEY)
    with pytest.raises(tokenkeep.ConfigError, match="does not travel"):
        pickle.dumps(client)
    with pytest.raises(TypeError, match="first client"):
        client.with_(store=table)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="store must be"):
        tokenkeep.Client("acquired", store=object())  # type: ignore[arg-type]
    with pytest.raises(tokenkeep.ConfigError, match="needs store_key"):
        sandbox.client("acquired", store=table)
