"""Every Python program in the documents runs."""

from __future__ import annotations

import functools
import http.server
import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep

from person import browse, visit
from sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox


def blocks(document: str) -> list[str]:
    """The Python blocks of a document."""
    text = (ROOT / document).read_text()
    return [rest.split("```")[0] for rest in text.split("```python\n")[1:]]


def profile(sandbox: Sandbox, name: str, vendor: str, **more: str) -> str:
    settings = {"provider": vendor, **sandbox.settings(vendor), **more}
    return f"[{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in settings.items())


@pytest.fixture
def profiles(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tokenkeep.toml"
    code = {"grant": "authorization_code", "redirect_uri": "http://127.0.0.1/callback"}
    web = {**code, "redirect_uri": "https://app.example/callback", "store_key": "5a" * 32}
    path.write_text(
        profile(sandbox, "billing", "acquired")
        + profile(sandbox, "pink", "pink", **code)
        + profile(sandbox, "desktop", "pink", **code)
        + profile(sandbox, "web", "pink", **web)
        + profile(sandbox, "people", "pink", **web),
        encoding="utf-8",
    )
    path.chmod(0o600)
    monkeypatch.setenv("TOKENKEEP_CONFIG", str(path))


@pytest.fixture
def a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_browser(url: str) -> bool:
        browse(url)
        return True

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", open_browser)


@pytest.mark.usefixtures("profiles", "a_browser")
def test_the_readme(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    first, hook, login = blocks("README.md")
    exec(first, {})
    assert "'Authorization': 'Bearer " in capsys.readouterr().out
    api, here = "https://test-api.acquired.com", sandbox.settings("acquired")["base_url"]
    assert api in hook
    answer: dict[str, Any] = {}
    exec(hook.replace(api, here), answer)
    assert answer["answer"].request.headers["Authorization"].startswith("Bearer ")
    names: dict[str, Any] = {}
    exec(login, names)
    assert names["token"].value


@pytest.mark.usefixtures("profiles", "a_browser")
def test_the_page_on_people() -> None:
    desktop, web = blocks("docs/CONSENT.md")
    names: dict[str, Any] = {}
    exec(desktop, names)
    assert names["token"] is names["client"].token()
    exec(web, names)
    session = {"user": "ada"}
    back = visit(names["connect"](session))
    names["callback"](session, back.split("?")[1])
    assert session == {"user": "ada"}
    assert names["client"].with_(account="ada").token().value


@pytest.mark.usefixtures("profiles")
def test_the_store_of_a_programs_own(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = blocks("docs/STORES.md")
    names: dict[str, Any] = {}
    exec(program, names)
    with names["client"].consent() as consent:
        token = consent.finish(visit(consent.url))
    command = [sys.executable, "-c", f"{program}\nprint(client.token().value)"]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True)
    assert elsewhere.stdout.strip() == token.value
    assert sandbox.count("pink/token") == 1

    ours, theirs = names["Grants"]("grants.db"), names["Grants"]("grants.db")
    assert ours.lock("record", 0.05)
    assert not theirs.lock("record", 0.05)
    ours.unlock("record")
    assert theirs.lock("record", 0.05)
    theirs.unlock("record")

    names["client"].revoke()
    with sqlite3.connect("grants.db") as database:
        assert database.execute("SELECT count(*) FROM grants").fetchone() == (0,)
    database.close()


class Orchard(http.server.BaseHTTPRequestHandler):
    """The vendor of docs/ADDING_A_VENDOR.md, as far as its login goes."""

    def do_POST(self) -> None:
        body = b'{"token": "fruit", "validFor": 900}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The test's output stays clean."""


@pytest.fixture
def orchard() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Orchard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_guide_to_a_new_vendor(orchard: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (ROOT / "docs" / "ADDING_A_VENDOR.md").read_text()
    provider = tmp_path / "orchard.toml"
    provider.write_text(guide.split("```toml\n")[1].split("```")[0])
    provider.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHARD_KEY", "spade")
    here = functools.partial(tokenkeep.Client, base_url=orchard)
    monkeypatch.setattr(tokenkeep, "Client", here)
    names: dict[str, Any] = {}
    exec(blocks("docs/ADDING_A_VENDOR.md")[0], names)
    assert names["token"].headers == {"Authorization": "Bearer fruit", "X-Branch": "north"}
