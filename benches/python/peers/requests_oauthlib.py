"""requests-oauthlib: OAuth2Session with automatic refresh, as its `request` puts the token on.

What `get` does is what `OAuth2Session.request` does before it sends: a copy, because there it cannot be had
without sending.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oauthlib.oauth2 import TokenExpiredError
from requests_oauthlib import OAuth2Session

if TYPE_CHECKING:
    from server import Server

# The token server is on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
URL = "https://api.example/"


class Holder:
    """A session that refreshes its token by itself."""

    def __init__(self, server: Server) -> None:
        self.url = server.token_url
        self.session = OAuth2Session(
            server.client_id,
            auto_refresh_url=self.url,
            auto_refresh_kwargs={"client_id": server.client_id, "client_secret": server.client_secret},
            token_updater=lambda token: None,  # noqa: ARG005, the session keeps it anyhow
        )
        self.session.token = {
            "access_token": "none yet",
            "refresh_token": server.refresh_token,
            "token_type": "Bearer",
            "expires_in": -1,
        }
        self.get()

    def get(self) -> tuple[str, dict[str, str], str | None]:
        """The request's URL, headers and body with the token on."""
        try:
            return self.session._client.add_token(URL, http_method="GET", headers={})
        except TokenExpiredError:
            token = self.session.refresh_token(self.url)
            self.session.token_updater(token)
            return self.session._client.add_token(URL, http_method="GET", headers={})

    @staticmethod
    def bearer(got: tuple[str, dict[str, str], str | None]) -> str:
        """The token in what `get` returned."""
        return got[1]["Authorization"].removeprefix("Bearer ")
