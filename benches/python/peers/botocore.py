"""botocore: the token behind its token providers, with a refresh by its own HTTP session."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.tokens import DeferredRefreshableToken, FrozenAuthToken

if TYPE_CHECKING:
    from server import Server

# It asks at most once in this time, whatever became of it.
LEAST_STEP = 61.0
ahead = timedelta()


def now() -> datetime:
    """The time, as the library is told it."""
    return datetime.now(timezone.utc) + ahead


def skip(seconds: float) -> None:
    """Move the library's clock."""
    global ahead
    ahead += timedelta(seconds=max(seconds, LEAST_STEP))


class Holder:
    """A refreshable token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.session = URLLib3Session()
        self.get = DeferredRefreshableToken("bench", self.refresh, time_fetcher=now).get_frozen_token
        self.get()

    def refresh(self) -> FrozenAuthToken:
        """What a token provider of botocore does: one request, and the token with its end."""
        server = self.server
        form = {
            "grant_type": "client_credentials",
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            "scope": server.scope,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", server.token_url, headers, data=urlencode(form).encode())
        response = self.session.send(request.prepare())
        if response.status_code != 200:
            raise RuntimeError(response.status_code)
        token = json.loads(response.content)
        return FrozenAuthToken(token["access_token"], now() + timedelta(seconds=token["expires_in"]))

    @staticmethod
    def bearer(got: FrozenAuthToken) -> str:
        """The token in what `get` returned."""
        return got.token
