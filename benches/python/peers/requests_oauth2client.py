"""requests-oauth2client: the client credentials grant as an `auth=` of requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import requests
from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth

if TYPE_CHECKING:
    from server import Server


class Holder:
    """An authentication handler, and the request that it signs."""

    def __init__(self, server: Server) -> None:
        client = OAuth2Client(
            token_endpoint=server.token_url,
            client_id=server.client_id,
            client_secret=server.client_secret,
            testing=True,  # the token server is on loopback
        )
        request = requests.Request("GET", "https://api.example/").prepare()
        self.get = partial(OAuth2ClientCredentialsAuth(client, scope=server.scope), request)
        self.get()

    @staticmethod
    def bearer(got: requests.PreparedRequest) -> str:
        """The token in what `get` returned."""
        return str(got.headers["Authorization"]).removeprefix("Bearer ")
