"""Authlib: the synchronous OAuth2Session, as it signs a request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import requests
from authlib.integrations.requests_client import OAuth2Session

if TYPE_CHECKING:
    from server import Server


class Holder:
    """A session, and the request that it signs."""

    def __init__(self, server: Server) -> None:
        session = OAuth2Session(
            server.client_id,
            server.client_secret,
            token_endpoint=server.token_url,
            grant_type="client_credentials",
            scope=server.scope,
        )
        session.fetch_token()
        request = requests.Request("GET", "https://api.example/").prepare()
        self.get = partial(session.token_auth, request)

    @staticmethod
    def bearer(got: requests.PreparedRequest) -> str:
        """The token in what `get` returned."""
        return str(got.headers["Authorization"]).removeprefix("Bearer ")
