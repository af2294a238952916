"""This library."""

from __future__ import annotations

import tokenkeep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from server import Server

# What the other peers need of the token server, and this one does not know.
FOREIGN = ("refresh_token",)
clients = 0


class Holder:
    """A client of an account of its own, so that it shares no token with the one before."""

    def __init__(self, server: Server) -> None:
        global clients
        clients += 1
        settings = {name: value for name, value in server.settings.items() if name not in FOREIGN}
        self.client = tokenkeep.Client("oauth2", account=f"bench-{clients}", **settings)
        self.get = self.client.token
        self.get()

    @staticmethod
    def bearer(got: tokenkeep.Token) -> str:
        """The token in what `get` returned."""
        return got.value
