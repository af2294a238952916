"""The libraries that are measured, and how each one is brought into its early window."""

from __future__ import annotations

from typing import NamedTuple


class Early(NamedTuple):
    """How a token comes to be due for renewal while it lives."""

    lifetime: int
    # How long to wait after it was got, in seconds.
    wait: float
    # Settings of the client.
    settings: str = ""
    # Further members of the token server's answer.
    extra: tuple[tuple[str, int], ...] = ()


class Peer(NamedTuple):
    """One library."""

    name: str
    # Its module in python/peers.
    module: str
    # What pip installs.
    requirements: tuple[str, ...]
    # What a program imports to do what its module does.
    imports: str
    # None: it renews only what has ended.
    early: Early | None
    # Whose virtual environment it lives in; its own unless it is only another way to use a library.
    environment: str = ""

    @property
    def package(self) -> str:
        """The name of its package."""
        return self.requirements[0].partition("==")[0]

    @property
    def home(self) -> str:
        """The name of its virtual environment."""
        return self.environment or self.module


# Our window is set to half of a life of six seconds, the longest that the setting allows. A quarter of it is
# jitter, so it is open after 3.75 s.
OUR_EARLY = Early(lifetime=6, wait=3.9, settings="refresh_early=3")

OURS = Peer("tokenkeep", "tokenkeep", ("./bindings/python",), "tokenkeep", OUR_EARLY)

PEERS = (
    Peer(
        "msal",
        "msal",
        ("msal==1.39.0",),
        "msal",
        # The server's own word that it is time; without it msal takes no token under 300 s for good.
        Early(lifetime=3600, wait=1.2, extra=(("refresh_in", 1),)),
    ),
    Peer(
        "azure-identity",
        "azure_identity",
        ("azure-identity==1.27.0",),
        "azure.identity",
        Early(lifetime=3600, wait=1.2, extra=(("refresh_in", 1),)),
    ),
    Peer(
        "google-auth",
        "google_auth",
        ("google-auth==2.62.2", "requests==2.34.2"),
        "google.oauth2.credentials, google.auth.transport.requests",
        Early(lifetime=150, wait=0),
    ),
    Peer(
        "google-auth, background",
        "google_auth_background",
        (),
        "google.oauth2.credentials, google.auth.transport.requests",
        Early(lifetime=150, wait=0),
        environment="google_auth",
    ),
    Peer(
        "Authlib",
        "authlib",
        ("Authlib==1.9.9", "requests==2.34.2"),
        "authlib.integrations.requests_client",
        Early(lifetime=40, wait=0),
    ),
    Peer(
        "requests-oauthlib",
        "requests_oauthlib",
        ("requests-oauthlib==2.0.0", "oauthlib==4.0.1"),
        "requests_oauthlib",
        None,
    ),
    Peer(
        "requests-oauth2client",
        "requests_oauth2client",
        ("requests-oauth2client==1.8.0",),
        "requests_oauth2client",
        Early(lifetime=15, wait=0),
    ),
    Peer(
        "botocore token",
        "botocore",
        ("botocore==1.44.5",),
        "botocore.tokens, botocore.httpsession",
        # Its clock is moved past the minute in which it does not ask again, so 750 s are left.
        Early(lifetime=811, wait=61),
    ),
)
