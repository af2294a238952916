"""Gets API tokens, keeps them fresh and hands them out.

>>> import tokenkeep
>>> client = tokenkeep.Client("acquired", app_id="12345678", app_key_env="ACQUIRED_APP_KEY", environment="qa")
>>> client.provider
'acquired'

`client.token()` gives a token that works, `client.requests_auth()` and `client.httpx_auth()` attach it to
requests, and `await client.token_async()` is the same for asyncio. Importing this package does nothing else:
no thread, no file, no other module.
"""

from ._error import (
    BufferTooSmall,
    Cancelled,
    ConfigError,
    ConsentRequired,
    Denied,
    Error,
    InternalError,
    InvalidArgumentError,
    NetworkError,
    ProtocolError,
    RateLimited,
    Reentrant,
    Rejected,
    ServerError,
    StoreError,
    TlsError,
    TokenTimeout,
    Unsupported,
    WouldBlock,
)
from ._tokenkeep import Client, Consent, Stats, Token, __version__

__all__ = [
    "BufferTooSmall",
    "Cancelled",
    "Client",
    "ConfigError",
    "Consent",
    "ConsentRequired",
    "Denied",
    "Error",
    "InternalError",
    "InvalidArgumentError",
    "NetworkError",
    "ProtocolError",
    "RateLimited",
    "Reentrant",
    "Rejected",
    "ServerError",
    "Stats",
    "StoreError",
    "TlsError",
    "Token",
    "TokenTimeout",
    "Unsupported",
    "WouldBlock",
    "__version__",
]
