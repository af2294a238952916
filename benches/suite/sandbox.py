"""The token server: the sandbox's OAuth 2 server, one process, the same for every library."""

from __future__ import annotations

import http.client
import json
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

ENDPOINT = "oauth2/token"
REDIRECT = "http://127.0.0.1:1/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# As long as the tokens of the large vendors.
LONG_TOKEN = "x" * 900


class Sandbox:
    """A running sandbox, steered over HTTP."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None  # noqa: S101
        ready = json.loads(self.process.stdout.readline())
        self.address = urlsplit(ready["url"]).netloc
        # Refresh tokens that are good more than once: several clients begin with the same.
        self.switch(rotate_refresh=False, require_pkce=False)
        settings = ready["vendors"]["oauth2"]["settings"]
        names = ("token_url", "client_id", "client_secret", "scope")
        self.settings = {name: str(settings[name]) for name in names}
        self.refresh_token = self.consented()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate(timeout=10)

    @property
    def words(self) -> list[str]:
        """What a Python program is told of it."""
        return [
            f"{name}={value}"
            for name, value in {**self.settings, "refresh_token": self.refresh_token}.items()
        ]

    @property
    def c_words(self) -> list[str]:
        """What a C program is told of it."""
        return ["provider=oauth2", *(f"{name}={value}" for name, value in self.settings.items())]

    def switch(self, **switches: Any) -> None:
        """Have the server behave otherwise from now on."""
        self.control("POST", "vendors/oauth2", switches)

    def lifetime(self, seconds: float, **extra: Any) -> None:
        """How long tokens live from now on, and what the answers say besides."""
        self.switch(lifetime=seconds, answer_extra=extra)

    def fault(self, **fault: Any) -> None:
        """Have every token request meet this from now on, and nothing else."""
        self.control("DELETE", "faults")
        if fault:
            self.control("POST", "faults", {"endpoint": ENDPOINT, "times": 0, **fault})

    def requests(self) -> int:
        """How many token requests there were."""
        counts = self.control("GET", "counts")
        return int(counts.get(ENDPOINT, {"requests": 0})["requests"])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the sandbox's control."""
        text = None if body is None else json.dumps(body)
        return json.loads(
            self.exchange(method, f"/control/{path}", text, {"Content-Type": "application/json"})[1]
        )

    def consented(self) -> str:
        """A refresh token, for the libraries whose renewal needs one."""
        owner = {"client_id": self.settings["client_id"], "redirect_uri": REDIRECT}
        asked = urlencode({**owner, "response_type": "code", "scope": self.settings["scope"]})
        location = self.exchange("GET", f"/oauth2/authorize?{asked}", None, {})[0]
        (code,) = parse_qs(urlsplit(location).query)["code"]
        secret = self.settings["client_secret"]
        form = {**owner, "grant_type": "authorization_code", "code": code, "client_secret": secret}
        return str(
            json.loads(self.exchange("POST", "/oauth2/token", urlencode(form), FORM)[1])["refresh_token"]
        )

    def exchange(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[str, bytes]:
        """The location that an answer names, and its body."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if response.status >= 400:
            raise RuntimeError(answer.decode())
        return response.getheader("Location", ""), answer
