"""google-auth, told to renew on a thread of its own (`with_non_blocking_refresh`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peers import google_auth

if TYPE_CHECKING:
    from server import Server


class Holder(google_auth.Holder):
    """Credentials that are renewed in the background."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.credentials.with_non_blocking_refresh()
