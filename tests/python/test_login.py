"""A person logs in at this machine, or on another device; and a consent that goes from process to process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import webbrowser
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep

from person import browse, get, tell, visit

if TYPE_CHECKING:
    from sandbox import Sandbox

KEY = "5a" * 32


@pytest.fixture
def desktop(sandbox: Sandbox) -> tokenkeep.Client:
    return sandbox.client("pink", redirect_uri="http://127.0.0.1/callback")


@pytest.fixture
def tv(sandbox: Sandbox) -> tokenkeep.Client:
    device_url = sandbox.vendors["oauth2"]["base_url"] + "/device"
    return sandbox.client("oauth2", grant="device_code", device_url=device_url)


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


def test_a_person_comes_back_to_this_machine(desktop: tokenkeep.Client) -> None:
    with desktop.consent() as consent:
        assert consent.user_code is None
        with pytest.raises(tokenkeep.TokenTimeout, match="wait again"):
            consent.wait(timeout=0)
        browse(consent.url)
        token = consent.wait(timeout=20)
    assert desktop.token() is token


def test_a_person_says_yes_on_another_device(tv: tokenkeep.Client) -> None:
    with pytest.raises(tokenkeep.ConsentRequired, match="user code"):
        tv.token()
    with tv.consent() as consent:
        assert consent.user_code is not None
        assert consent.user_code in consent.url
        with pytest.raises(tokenkeep.Unsupported, match="wait"):
            consent.finish("https://app.example/?code=x")
        get(consent.url)
        assert consent.wait() is tv.token()


def test_leaving_the_block_closes_the_port(desktop: tokenkeep.Client) -> None:
    with desktop.consent() as consent:
        back = visit(consent.url)
    with pytest.raises(ConnectionRefusedError):
        get(back)
    with pytest.raises(tokenkeep.Cancelled, match="cancelled"):
        consent.wait()


def test_cancel_ends_the_wait_of_another_thread(desktop: tokenkeep.Client) -> None:
    consent = desktop.consent()
    threading.Timer(0.1, consent.cancel).start()
    with pytest.raises(tokenkeep.Cancelled):
        consent.wait(timeout=20)


# Interrupts a wait for a person, and says how long it still took.
INTERRUPTED = """
import json, os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import tokenkeep

for settings in json.loads(sys.argv[1]):
    consent = tokenkeep.Client(**settings).consent()
    sent = []
    def send():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Timer(0.15, send).start()
    try:
        consent.wait(timeout=20)
    except KeyboardInterrupt:
        print(time.monotonic() - sent[0])
    try:
        consent.wait(timeout=0)
    except tokenkeep.TokenTimeout:
        pass
"""


def test_ctrl_c_ends_the_wait_and_leaves_the_consent(sandbox: Sandbox) -> None:
    device_url = sandbox.vendors["oauth2"]["base_url"] + "/device"
    clients = [
        sandbox.settings("pink", provider="pink", redirect_uri="http://127.0.0.1/callback"),
        sandbox.settings("oauth2", provider="oauth2", grant="device_code", device_url=device_url),
    ]
    command = [sys.executable, "-c", INTERRUPTED, json.dumps(clients)]
    there = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    took = [float(line) for line in there.stdout.split()]
    assert len(took) == 2
    assert max(took) < 0.5, took


def test_login_says_where_to_go_where_there_is_no_browser(
    sandbox: Sandbox, desktop: tokenkeep.Client, tv: tokenkeep.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []

    def listen(text: str) -> None:
        told.append(text)
        tell(text)

    for client, vendor in ((desktop, "pink"), (tv, "oauth2")):
        token = client.login(show=listen, timeout=20)
        assert client.token() is token
        assert sandbox.get(sandbox.resource(vendor), token.headers) == 200
    assert told[0].startswith("Log in with a browser on this machine at http://")
    code = told[1].rsplit(" ", 1)[1]
    assert "enter or compare the code" in told[1]
    assert code in told[1].splitlines()[0]
    with pytest.raises(tokenkeep.TokenTimeout):
        desktop.login(timeout=0)
    assert "Log in with a browser on this machine at http://" in capsys.readouterr().out


def test_login_opens_the_browser_that_there_is(
    desktop: tokenkeep.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        browse(url)
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", open_browser)
    told: list[str] = []
    assert desktop.login(show=told.append, timeout=20) is desktop.token()
    assert len(opened) == 1
    assert "has been opened" in told[0]
    desktop.login(open_browser=False, show=tell, timeout=20)
    assert len(opened) == 1, "nobody wanted another"

    def fail(_: str) -> bool:
        raise webbrowser.Error

    monkeypatch.setattr("webbrowser.open", fail)
    desktop.login(show=tell, timeout=20)


def test_login_sends_nobody_where_they_cannot_come_back_from(sandbox: Sandbox) -> None:
    web = sandbox.client("pink", redirect_uri="https://app.example/callback")
    told: list[str] = []
    with pytest.raises(tokenkeep.Unsupported, match="finish"):
        web.login(show=told.append)
    assert not told


def test_webbrowser_is_imported_only_to_open_one() -> None:
    script = """
import sys, tokenkeep
client = tokenkeep.Client("pink", client_id="id", redirect_uri="http://127.0.0.1/callback",
    authorize_url="https://vendor.example/authorize", token_url="https://vendor.example/token")
try:
    client.login(open_browser=False, show=lambda text: None, timeout=0)
except tokenkeep.TokenTimeout:
    print("webbrowser" in sys.modules, "tokenkeep._login" in sys.modules)
"""
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == "False True"


def test_asyncio_goes_on_while_people_take_their_time(
    desktop: tokenkeep.Client, tv: tokenkeep.Client
) -> None:
    async def main() -> float:
        longest, before = 0.0, time.perf_counter()
        logins = asyncio.gather(
            desktop.login_async(show=tell, timeout=20), tv.login_async(show=tell, timeout=20)
        )
        while not logins.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        assert list(await logins) == [desktop.token(), tv.token()]
        return longest

    # The device is asked after a second: a loop that waited for that would be away for as long.
    assert asyncio.run(main()) < 0.5


def test_a_web_application_on_asyncio_holds_up_nobody(sandbox: Sandbox) -> None:
    issuer = sandbox.vendors["oauth2"]["base_url"]
    client = sandbox.client(
        "oauth2", grant="authorization_code", issuer=issuer, redirect_uri="https://app.example/callback"
    )
    for endpoint in ("metadata", "token", "revoke"):
        sandbox.fault(f"oauth2/{endpoint}", delay_ms=800)

    async def way() -> None:
        consent = await client.consent_async()
        token = await consent.finish_async(visit(consent.url))
        assert client.token() is token
        await client.revoke_async()
        assert client.peek() is None

    async def main() -> float:
        longest, before = 0.0, time.perf_counter()
        task = asyncio.create_task(way())
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        await task
        return longest

    assert asyncio.run(main()) < 0.6
    assert sandbox.count("oauth2/metadata") == 1
    assert sandbox.count("oauth2/token") == 1
    assert sandbox.count("oauth2/revoke") >= 1


def test_a_cancelled_task_leaves_the_consent_and_a_deadline_holds(desktop: tokenkeep.Client) -> None:
    async def main() -> None:
        consent = desktop.consent()
        task = asyncio.create_task(consent.wait_async(timeout=20))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(tokenkeep.TokenTimeout, match="wait again"):
            await consent.wait_async(timeout=0.1)
        browse(consent.url)
        assert await consent.wait_async(timeout=20) is desktop.token()

    asyncio.run(main())


def test_a_no_is_told(sandbox: Sandbox, desktop: tokenkeep.Client) -> None:
    sandbox.switch("pink", deny_consent=True)
    with pytest.raises(tokenkeep.ConsentRequired) as caught:
        desktop.login(show=tell, timeout=20)
    assert caught.value.code == "access_denied"


# Goes on with a consent that another process began.
RESUMED = """
import json, os, sys, tokenkeep
settings = json.loads(os.environ["SETTINGS"])
consent = tokenkeep.Client(**settings).resume(os.environ["SEALED"])
print(consent.url == os.environ["URL"])
consent.finish(os.environ["BACK"])
"""


def test_a_sealed_consent_is_finished_in_another_process(sandbox: Sandbox) -> None:
    settings: dict[str, Any] = sandbox.settings(
        "pink", provider="pink", redirect_uri="https://app.example/callback", store_key=KEY
    )
    client = tokenkeep.Client(**settings)
    consent = client.consent()
    with pytest.raises(tokenkeep.InvalidArgumentError, match="another"):
        client.with_(account="another").resume(consent.seal())
    environment = {
        **os.environ,
        "SETTINGS": json.dumps(settings),
        "SEALED": consent.seal(),
        "URL": consent.url,
        "BACK": visit(consent.url),
    }
    command = [sys.executable, "-c", RESUMED]
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert there.stdout.strip() == "True"
    assert sandbox.count("pink/token") == 1


def test_without_a_key_nothing_is_sealed(sandbox: Sandbox) -> None:
    client = sandbox.client("pink", redirect_uri="https://app.example/callback")
    with pytest.raises(tokenkeep.ConfigError, match="store_key is missing"):
        client.consent().seal()
    port = sandbox.client("pink", redirect_uri="http://127.0.0.1/callback", store_key=KEY)
    with pytest.raises(tokenkeep.Unsupported, match="port"):
        port.consent().seal()
