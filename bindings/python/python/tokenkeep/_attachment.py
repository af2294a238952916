"""A token on a request: what every hook does to headers and URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from ._tokenkeep import Token


def attach(token: Token, url: str, headers: MutableMapping[str, Any]) -> str:
    """Put a token on a request's headers, in place of an older one, and return the URL to send it to."""
    headers.update(token.headers)
    if token.query is None:
        return url
    headers["Cache-Control"] = "no-store"  # RFC 6750 section 2.3
    return _with_pair(url, token.query)


def is_attached(token: Token, url: str, headers: Mapping[str, Any]) -> bool:
    """Say whether a request carries this very token."""
    has_headers = all(headers.get(name) == value for name, value in token.headers.items())
    return has_headers and (token.query is None or token.query in _pairs(url))


def _with_pair(url: str, pair: str) -> str:
    others = [other for other in _pairs(url) if _name(other) != _name(pair)]
    return urlunsplit(urlsplit(url)._replace(query="&".join([*others, pair])))


def _pairs(url: str) -> list[str]:
    return [pair for pair in urlsplit(url).query.split("&") if pair]


def _name(pair: str) -> str:
    return pair.partition("=")[0]
