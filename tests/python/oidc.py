"""A real authorization server, run by Node, and a person with a browser."""

from __future__ import annotations

import json
import os
import subprocess
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

import tokenkeep

from sandbox import ROOT

if TYPE_CHECKING:
    from http.client import HTTPMessage


class AuthorizationServer:
    """A running oidc-provider. Each test registers clients of its own there."""

    def __init__(self) -> None:
        directory = os.environ.get("TOKENKEEP_OIDC", str(ROOT / "target" / "oidc"))
        self._process = subprocess.Popen(
            ["node", str(Path(directory) / "server.mjs")],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.url: str = ready["url"]
        self._inspector: list[str] = ready["inspector"]
        self._open = build_opener(ProxyHandler({})).open

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def register(self, kind: str, **otherwise: Any) -> Registration:
        """Make a client of this kind, and what is to be otherwise."""
        return Registration(self, self.control("clients", {"kind": kind, **otherwise}))

    def is_alive(self, token: str) -> bool:
        """Whether a token lives, by the server's word."""
        client_id, client_secret = self._inspector
        form = {"token": token, "client_id": client_id, "client_secret": client_secret}
        answer = self._ask("token/introspection", urlencode(form).encode())
        return bool(answer["active"])

    def control(self, operation: str, argument: Any = None) -> Any:
        return self._ask(f"control/{operation}", None if argument is None else json.dumps(argument).encode())

    def _ask(self, path: str, body: bytes | None) -> Any:
        with self._open(f"{self.url}/{path}", body, timeout=10) as response:
            return json.load(response)


class Registration:
    """A client that the server knows."""

    def __init__(self, server: AuthorizationServer, settings: dict[str, Any]) -> None:
        self._server = server
        self.settings = settings

    def client(self, **overrides: Any) -> tokenkeep.Client:
        return tokenkeep.Client("oauth2", **{**self.settings, **overrides})

    def set_lifetime(self, seconds: int) -> None:
        """From now on its access tokens live so long."""
        self._server.control("lifetimes", {"client": self.settings["client_id"], "seconds": seconds})

    def asked(self, endpoint: str) -> list[dict[str, Any]]:
        """What it asked of this endpoint, oldest first."""
        return [asked for asked in self._known("requests") if asked["endpoint"] == endpoint]

    def refreshes(self) -> int:
        """How often it sent a refresh token."""
        return sum(asked.get("grant_type") == "refresh_token" for asked in self.asked("token"))

    def newest(self, kind: str) -> str:
        """The newest token of this kind."""
        values: list[str] = [issued["value"] for issued in self._known("tokens") if issued["kind"] == kind]
        return values[-1]

    def _known(self, what: str) -> list[dict[str, Any]]:
        query = urlencode({"client": self.settings["client_id"]})
        known: list[dict[str, Any]] = self._server.control(f"{what}?{query}")
        return known


class Person:
    """Somebody with a browser, who has not been there before."""

    def __init__(self) -> None:
        handlers = [ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _StaysThere()]
        self._open = build_opener(*handlers).open

    def says_yes(self, url: str) -> str:
        """Sign in, say yes, and tell where that led."""
        return self._browse(url, says_no=False)

    def says_no(self, url: str) -> str:
        """Turn away, and tell where that led."""
        return self._browse(url, says_no=True)

    def allows_device(self, url: str) -> None:
        """Sign in and say yes to a device, at the address that it shows."""
        page = self._browse(url, says_no=False)
        assert "Sign-in Success" in page, page

    def refuses_device(self, url: str) -> None:
        """Say no to a device."""
        page = self._browse(url, says_no=True)
        assert "interrupted" in page, page

    def _browse(self, url: str, *, says_no: bool) -> str:
        """Go on to an address on another server, or to a page with nothing more to do."""
        request = Request(url, headers={"Accept": "text/html"})  # noqa: S310
        has_left = False
        for _ in range(10):
            try:
                with self._open(request, timeout=10) as response:
                    text: str = response.read().decode()
            except HTTPError as left:
                with left:
                    location: str | None = left.headers["Location"]
                    return location or left.read().decode()
            page = _Page(text)
            way_out = page.no() if says_no else None
            following = way_out or page.yes()
            if has_left or following is None:
                return text
            request, has_left = following, way_out is not None
        raise AssertionError(url)


class _StaysThere(HTTPRedirectHandler):
    """Follows no redirect to another server."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).netloc != req.host:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Page(HTMLParser):
    """A page's form and its way out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._action = self._cancel = ""
        self._fields: dict[str, str] = {}
        self._can_abort = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action = given["action"]
        elif tag == "input":
            self._fields[given["name"]] = given.get("value", "ada")
        elif tag == "button" and given.get("name") == "abort":
            self._can_abort = True
        elif tag == "a" and given["href"].endswith("/abort"):
            self._cancel = given["href"]

    def yes(self) -> Request | None:
        """Fill in the form, if there is one: what is not given, such as a name, is ada."""
        return self._sent(self._fields) if self._action else None

    def no(self) -> Request | None:
        """Take the way out, if there is one."""
        if self._can_abort:
            return self._sent({**self._fields, "abort": "yes"})
        return Request(self._cancel) if self._cancel else None  # noqa: S310

    def _sent(self, fields: dict[str, str]) -> Request:
        return Request(self._action, urlencode(fields).encode())  # noqa: S310
