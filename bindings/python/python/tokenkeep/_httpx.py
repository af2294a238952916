"""The `auth=` for httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from ._attachment import attach, is_attached
from ._error import Error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ._tokenkeep import Client, Token


class HttpxAuth(httpx.Auth):
    """Attaches a client's token to requests; made by `Client.httpx_auth`.

    On a 401 it gets a new token and sends the request again, once, if another token can help and the body is
    no stream. A token goes to the hosts of the setting `api_hosts` alone: after a redirect to any other host
    there is none on the request, nor on those that follow.

    Example:
        >>> with httpx.Client(auth=client.httpx_auth()) as session:
        ...     session.get(url).status_code
        200
    """

    def __init__(self, client: Client) -> None:
        """Attach the tokens of this client."""
        self._client = client

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with a token, for httpx.Client."""
        if not self._client.may_send_to(str(request.url)):
            yield request
            return
        token = self._client.token()
        _guard(request, self._client, token, _SyncGuard)
        response = yield _attached(request, token)
        again = self._again(response, token)
        if again is not None:
            yield _attached(again, self._client.token())

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send a request with a token, for httpx.AsyncClient."""
        if not self._client.may_send_to(str(request.url)):
            yield request
            return
        token = await self._client.token_async()
        _guard(request, self._client, token, _AsyncGuard)
        response = yield _attached(request, token)
        again = self._again(response, token)
        if again is not None:
            yield _attached(again, await self._client.token_async())

    def __repr__(self) -> str:
        """Show whose token it attaches."""
        return f"<tokenkeep.Client.httpx_auth provider={self._client.provider!r}>"

    def _again(self, response: httpx.Response, token: Token) -> httpx.Request | None:
        """Return the request to send once more after a 401, if that can help."""
        request = response.request
        hops = [*(earlier.request for earlier in response.history), request]
        if response.status_code != 401 or not all(self._client.may_send_to(str(hop.url)) for hop in hops):
            return None
        # When a redirect leads to another of the API's hosts, httpx takes Authorization off. Then it was not
        # our token that was refused.
        if is_attached(token, str(request.url), request.headers):
            try:
                self._client.rejected(token, 401, response.headers.get("WWW-Authenticate"))
            except Error:
                return None
        return _copy(request) if isinstance(request.stream, httpx.ByteStream) else None


def _attached(request: httpx.Request, token: Token) -> httpx.Request:
    request.url = httpx.URL(attach(token, str(request.url), request.headers))
    return request


def _copy(request: httpx.Request) -> httpx.Request:
    """Leave the request that was answered as it was sent, for the history."""
    return httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _guard(request: httpx.Request, client: Client, token: Token, kind: type[_Guard]) -> None:
    companions = {name.lower().encode() for name in token.headers if name != "Authorization"}
    if companions:
        request.extensions["trace"] = kind(client, companions, request.extensions.get("trace"))


class _Guard:
    """Keeps companion headers, such as x-api-key, from following a redirect to another host.

    httpx takes only Authorization off. Its own transports report each request to the extension `trace` just
    before it is sent, and that is the one place that sees every hop. Other transports may not.
    """

    def __init__(self, client: Client, companions: set[bytes], watcher: Any) -> None:
        self._client = client
        self._companions = companions
        self._watcher = watcher

    def _check(self, event: str, info: dict[str, Any]) -> None:
        if not event.endswith("send_request_headers.started"):
            return
        request = info["request"]
        # A request that goes through a plain HTTP proxy has the whole URL for its target.
        target = request.url.target
        url = target if target.startswith(b"http") else bytes(request.url)
        if not self._client.may_send_to(url.decode("ascii")):
            headers = request.headers
            request.headers = [header for header in headers if header[0].lower() not in self._companions]


class _SyncGuard(_Guard):
    def __call__(self, event: str, info: dict[str, Any]) -> None:
        self._check(event, info)
        if self._watcher is not None:
            self._watcher(event, info)


class _AsyncGuard(_Guard):
    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        self._check(event, info)
        if self._watcher is not None:
            await self._watcher(event, info)
