"""A made-up https authority, for the libraries that insist on one: it stands for the token server."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from server import Server

HOST = "login.bench.example"
URL = f"https://{HOST}/tenant"
METADATA = {
    "issuer": f"{URL}/v2.0",
    "authorization_endpoint": f"{URL}/oauth2/v2.0/authorize",
    "token_endpoint": f"{URL}/oauth2/v2.0/token",
}


class Authority(HTTPAdapter):
    """Answers for the metadata itself, which is asked for once, and sends token requests on."""

    def __init__(self, token_url: str) -> None:
        super().__init__()
        self.token_url = token_url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Answer, or send on."""
        if request.method == "GET":
            return metadata(request)
        request.url = self.token_url
        return super().send(request, *args, **kwargs)


def metadata(request: requests.PreparedRequest) -> requests.Response:
    """The answer that names the endpoints."""
    response = requests.Response()
    response.request = request
    response.status_code = 200
    response.headers["Content-Type"] = "application/json"
    response.raw = io.BytesIO(json.dumps(METADATA).encode())
    return response


def session(server: Server) -> requests.Session:
    """A session for which the authority exists."""
    made = requests.Session()
    made.mount(f"https://{HOST}/", Authority(server.token_url))
    return made
