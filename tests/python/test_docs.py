"""Every public item says what it does, with an example that runs."""

from __future__ import annotations

import asyncio
import doctest
import inspect
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
import tokenkeep
from tokenkeep._httpx import HttpxAuth
from tokenkeep._requests import RequestsAuth

from person import browse, tell, visit
from sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

CLASSES = (
    tokenkeep.Client,
    tokenkeep.Token,
    tokenkeep.Consent,
    tokenkeep.Stats,
    tokenkeep.Error,
    RequestsAuth,
    HttpxAuth,
)


def documented() -> Iterator[tuple[str, Any]]:
    yield "tokenkeep", tokenkeep
    for kind in CLASSES:
        yield kind.__name__, kind
        if kind.__module__ == "tokenkeep" and not issubclass(kind, Exception):
            for name in vars(kind):
                if not name.startswith("_") and kind is not tokenkeep.Stats:
                    yield f"{kind.__name__}.{name}", getattr(kind, name)


@pytest.mark.parametrize(("name", "item"), [pytest.param(*each, id=each[0]) for each in documented()])
def test_an_example(
    name: str,
    item: Any,
    sandbox: Sandbox,
    client: tokenkeep.Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACQUIRED_APP_KEY", "not a real one")
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    profiles = tmp_path / "tokenkeep.toml"
    profiles.write_text(
        '[billing]\nprovider = "acquired"\napp_id = "12345678"\napp_key_env = "ACQUIRED_APP_KEY"\n'
    )
    profiles.chmod(0o600)
    names = {
        "asyncio": asyncio,
        "client": client,
        "httpx": httpx,
        "browse": browse,
        "desktop": sandbox.client("pink", redirect_uri="http://127.0.0.1/callback"),
        "pink": sandbox.client("pink", redirect_uri="https://app.example/callback", store_key="5a" * 32),
        "profiles": profiles,
        "requests": requests,
        "tell": tell,
        "tokenkeep": tokenkeep,
        "tv": sandbox.client(
            "oauth2", grant="device_code", device_url=sandbox.vendors["oauth2"]["base_url"] + "/device"
        ),
        "url": sandbox.resource("acquired"),
        "visit": visit,
        "wrong": sandbox.client("acquired", app_key="x" * 32),
    }
    text = inspect.getdoc(item)
    assert text
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert example.examples, f"{name} has no example"
    complaints: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=complaints.append)
    assert not complaints, "".join(complaints)


@pytest.mark.parametrize("kind", tokenkeep.Error.__subclasses__())
def test_every_error_says_what_to_do(kind: type[tokenkeep.Error]) -> None:
    assert kind.__doc__


def test_the_quickstart(sandbox: Sandbox) -> None:
    settings = sandbox.settings("acquired")
    environment = {
        "ACQUIRED_APP_ID": settings["app_id"],
        "ACQUIRED_APP_KEY": settings["app_key"],
        "ACQUIRED_BASE_URL": settings["base_url"],
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    program = ROOT / "bindings" / "python" / "examples" / "quickstart.py"
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "the vendor answered 200\n"
