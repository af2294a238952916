"""msal: a confidential client's token for itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msal

from peers import authority

if TYPE_CHECKING:
    from server import Server


class Holder:
    """A confidential client application."""

    def __init__(self, server: Server) -> None:
        application = msal.ConfidentialClientApplication(
            server.client_id,
            client_credential=server.client_secret,
            authority=authority.URL,
            instance_discovery=False,
            http_client=authority.session(server),
        )
        self.get = partial(application.acquire_token_for_client, [server.scope])
        self.bearer(self.get())

    @staticmethod
    def bearer(got: dict[str, Any]) -> str:
        """The token in what `get` returned; msal returns failures, too."""
        if "access_token" not in got:
            raise RuntimeError(got.get("error", "no token"))
        return str(got["access_token"])
