"""azure-identity: ClientSecretCredential, the layer over msal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential

from peers import authority

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken

    from server import Server


class Holder:
    """A client secret's credential."""

    def __init__(self, server: Server) -> None:
        credential = ClientSecretCredential(
            "tenant",
            server.client_id,
            server.client_secret,
            authority=authority.HOST,
            disable_instance_discovery=True,
            transport=RequestsTransport(session=authority.session(server), session_owner=False),
        )
        self.get = partial(credential.get_token, server.scope)
        self.get()

    @staticmethod
    def bearer(got: AccessToken) -> str:
        """The token in what `get` returned."""
        return got.token
