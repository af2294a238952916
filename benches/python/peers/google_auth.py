"""google-auth: a user's credentials, kept fresh with a refresh token."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

if TYPE_CHECKING:
    from server import Server


class Holder:
    """Credentials, and the headers of the request that they are put into."""

    def __init__(self, server: Server) -> None:
        self.credentials = Credentials(
            None,
            refresh_token=server.refresh_token,
            token_uri=server.token_url,
            client_id=server.client_id,
            client_secret=server.client_secret,
        )
        self.headers: dict[str, str] = {}
        self.get = partial(
            self.credentials.before_request, Request(), "GET", "https://api.example/", self.headers
        )
        self.get()

    def bearer(self, _got: None) -> str:
        """The token that `get` put into the headers."""
        return self.headers["authorization"].removeprefix("Bearer ")
