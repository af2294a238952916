"""The sandbox of the four vendors, run as a process and steered over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import tokenkeep

ROOT = Path(__file__).parents[2]

_accounts = count()


class Sandbox:
    """A running sandbox. Each client made here is of an account of its own, so that tests share no token."""

    def __init__(self) -> None:
        program = os.environ.get("TOKENKEEP_SANDBOX", str(ROOT / "target" / "debug" / "tokenkeep-sandbox"))
        self._process = subprocess.Popen(
            [program, "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.url: str = ready["url"]
        self.vendors: dict[str, Any] = ready["vendors"]
        self._open = build_opener(ProxyHandler({})).open

    def close(self) -> None:
        self._process.communicate(timeout=10)

    def settings(self, vendor: str, **overrides: Any) -> dict[str, Any]:
        """What a client of this vendor is made with."""
        vendor_side = self.vendors[vendor]
        account = f"test-{next(_accounts)}"
        common = {"base_url": vendor_side["base_url"], "account": account, "timeout": 10}
        return {**common, **vendor_side["settings"], **overrides}

    def client(self, vendor: str, **overrides: Any) -> tokenkeep.Client:
        return tokenkeep.Client(vendor, **self.settings(vendor, **overrides))

    def resource(self, vendor: str) -> str:
        url: str = self.vendors[vendor]["resource"]
        return url

    def reset(self) -> None:
        self._control("POST", "reset")

    def switch(self, vendor: str, **switches: Any) -> None:
        self._control("POST", f"vendors/{vendor}", switches)

    def revoke(self, vendor: str) -> None:
        """End every token that was issued, but for refresh tokens."""
        self._control("POST", f"vendors/{vendor}/revoke", {})

    def fault(self, endpoint: str, **fault: Any) -> None:
        self._control("POST", "faults", {"endpoint": endpoint, **fault})

    def count(self, endpoint: str) -> int:
        """How many requests this endpoint has met."""
        counts = self._control("GET", "counts")
        return int(counts.get(endpoint, {"requests": 0})["requests"])

    def requests(self, endpoint: str) -> list[dict[str, Any]]:
        """What this endpoint was asked, oldest first; header names in lower case."""
        found: list[dict[str, Any]] = self._control("GET", "requests?" + urlencode({"endpoint": endpoint}))
        for request in found:
            request["headers"] = {name.lower(): value for name, value in request["headers"]}
        return found

    def get(self, url: str, headers: dict[str, str]) -> int:
        """Fetch a resource the plain way and return the status."""
        with self._open(Request(url, headers=headers), timeout=10) as response:  # noqa: S310
            return int(response.status)

    def fetch(self, url: str, headers: dict[str, str]) -> Any:
        """Fetch a resource the plain way and return what it says."""
        with self._open(Request(url, headers=headers), timeout=10) as response:  # noqa: S310
            return json.load(response)

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        if method == "POST" and data is None:
            data = b"{}"
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.url}/control/{path}", data=data, headers=headers, method=method)  # noqa: S310
        with self._open(request, timeout=10) as response:
            return json.load(response)
