"""The web applications of the examples: several users at once, in two processes that share a store."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import pytest

from person import get
from sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

USERS = ("ada", "bob", "cleo", "dan")
SERVERS = {
    "flask": ["-m", "flask", "--app", "web_flask", "run", "--port"],
    "fastapi": ["-m", "uvicorn", "web_fastapi:app", "--port"],
}


class Browser:
    """One user's browser: it keeps the cookies, and goes to whatever process it is told to."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.cookies: dict[str, str] = {}

    def sign_in(self, port: int) -> None:
        """Fill in the form that a user who is nobody yet is led to."""
        assert self.ask(port, "/")[1] == "/sign_in"
        form = self.ask(port, "/sign_in")[2]
        assert '<form method="post" action="/sign_in">' in form
        assert 'name="user"' in form
        assert self.ask(port, "/sign_in", f"user={self.user}")[0] // 100 == 3

    def ask(self, port: int, target: str, form: str | None = None) -> tuple[int, str, str]:
        """Make a request and take the answer: its status, where it leads, its body."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("GET" if form is None else "POST", target, form, headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            assert re.search("; secure", line, re.I)
            assert re.search("; httponly", line, re.I)
            assert re.search("; samesite=lax", line, re.I)
            parsed = SimpleCookie(line)
            self.cookies.update({name: morsel.value for name, morsel in parsed.items()})
        body = answer.read().decode()
        connection.close()
        return answer.status, answer.headers.get("Location", ""), body

    def say_yes(self, url: str) -> str:
        """Say yes at the vendor, as this very user, and tell where that leads in the application."""
        back = get(f"{url}&login_hint={self.user}").headers["Location"]
        assert back.startswith("https://app.example/callback?")
        return back[len("https://app.example") :]


@pytest.fixture(params=SERVERS)
def processes(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Two processes of the application, and where they listen."""
    settings = sandbox.settings(
        "pink",
        provider="pink",
        redirect_uri="https://app.example/callback",
        store_key="5a" * 32,
        store="file",
        store_path=str(tmp_path / "grants"),
    )
    profile = tmp_path / "tokenkeep.toml"
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    profile.write_text("[web]\n" + "".join(lines))
    profile.chmod(0o600)
    environment = {
        **os.environ,
        "API_URL": sandbox.resource("pink"),
        "SECRET_KEY": "the application's own",
        "TOKENKEEP_CONFIG": str(profile),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    running, ports = [], []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
        command = [sys.executable, *SERVERS[request.param], str(ports[-1])]
        examples = ROOT / "bindings" / "python" / "examples"
        with (tmp_path / f"{ports[-1]}.log").open("w") as log:
            running.append(subprocess.Popen(command, cwd=examples, env=environment, stdout=log, stderr=log))
    for port in ports:
        until_open(port)
    yield ports[0], ports[1]
    for process in running:
        process.terminate()
        process.wait(timeout=20)
    for path in tmp_path.glob("*.log"):
        # A spent code stands in the server's own log of requests.
        assert "SANDBOX-TOKEN" not in path.read_text().replace("code=SANDBOX-TOKEN", ""), "a token was logged"


def until_open(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


def test_users_connect_in_one_process_and_come_back_in_another(
    sandbox: Sandbox, processes: tuple[int, int]
) -> None:
    one, two = processes

    def connect(user: str) -> Browser:
        browser = Browser(user)
        browser.sign_in(one)
        assert browser.ask(one, "/")[1].endswith("/connect")
        status, url, _ = browser.ask(one, "/connect")
        assert (status // 100, url.startswith(sandbox.url)) == (3, True)
        status, where, _ = browser.ask(two, browser.say_yes(url))
        assert (status // 100, where) == (3, "/")
        return browser

    with ThreadPoolExecutor() as pool:
        browsers = list(pool.map(connect, USERS))
    for _ in range(2):
        for port in processes:
            for browser in browsers:
                status, _, body = browser.ask(port, "/")
                assert (status, json.loads(body)["person"]) == (200, browser.user)
    assert sandbox.count("pink/token") == len(USERS), "one code for each, and no renewal"

    browsers[0].ask(two, "/disconnect", "")
    assert browsers[1].ask(two, "/")[0] == 200


def test_a_token_that_the_api_refuses_is_renewed(sandbox: Sandbox, processes: tuple[int, int]) -> None:
    one, two = processes
    ada = Browser("ada")
    ada.sign_in(one)
    ada.ask(one, ada.say_yes(ada.ask(one, "/connect")[1]))
    for port in (one, two):
        sandbox.revoke("pink")
        status, _, body = ada.ask(port, "/")
        assert (status, json.loads(body)["person"]) == (200, "ada")
    assert sandbox.count("pink/token") == 3
    sandbox.fault("pink/me", status=503)
    assert ada.ask(one, "/")[0] == 503, "what the API says is not made up"


def test_nobody_finishes_somebody_elses_login(sandbox: Sandbox, processes: tuple[int, int]) -> None:
    one, two = processes
    ada, eve = Browser("ada"), Browser("eve")
    urls = {}
    for browser in (ada, eve):
        browser.sign_in(one)
        urls[browser.user] = browser.ask(one, "/connect")[1]
    # Eve has Ada's browser open the answer to her own login.
    status, _, body = ada.ask(two, eve.say_yes(urls["eve"]))
    assert (status, "connect again" in body) == (400, True)
    assert sandbox.count("pink/token") == 0
    # That ended nobody's login.
    back = ada.say_yes(urls["ada"])
    assert ada.ask(two, back)[0] // 100 == 3
    assert ada.ask(two, back)[0] == 400, "the back button"
    assert ada.ask(one, back)[0] == 400
    assert sandbox.count("pink/token") == 1
    assert json.loads(ada.ask(one, "/")[2])["person"] == "ada"
