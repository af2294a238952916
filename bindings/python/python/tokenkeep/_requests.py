"""The `auth=` for requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ._attachment import attach, is_attached
from ._error import Error

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from ._tokenkeep import Client, Token


class RequestsAuth:
    """Attaches a client's token to requests; made by `Client.requests_auth`.

    On a 401 it gets a new token and sends the request again, once, if another token can help and the body can
    be sent twice. A token goes to the hosts of the setting `api_hosts` alone: after a redirect to any other
    host there is none on the request, nor on those that follow.

    Example:
        >>> with requests.Session() as session:
        ...     session.auth = client.requests_auth()
        ...     session.get(url).status_code
        200
    """

    def __init__(self, client: Client) -> None:
        """Attach the tokens of this client."""
        self._client = client

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Attach a token to a request that is about to be sent, and watch for its answer."""
        if self._client.may_send_to(_url(request)):
            exchange = _Exchange(self._client, request)
            request.register_hook("response", exchange.answered)
        return request

    def __repr__(self) -> str:
        """Show whose token it attaches."""
        return f"<tokenkeep.Client.requests_auth provider={self._client.provider!r}>"


class _Exchange:
    """One request from its first hop to its last, and the token that goes with it.

    requests copies the request for each hop, and the hook with it. What is changed here on a request that was
    answered is therefore what the next hop starts from; the response keeps a copy of what was really sent.
    """

    def __init__(self, client: Client, request: PreparedRequest) -> None:
        self._client = client
        self._body_start = _position(request.body)
        self._was_resent = False
        self._was_led_away = False
        self._token = self._attach(request)

    def answered(self, response: Response, **how_sent: Any) -> Response:
        """Judge an answer: the hook of requests."""
        if response.status_code == 401 and self._may_resend(response):
            response = self._resend(response, how_sent)
        if response.is_redirect and not self._may_follow(response):
            self._strip(response)
        return response

    def _attach(self, request: PreparedRequest) -> Token:
        token = self._client.token()
        request.url = attach(token, _url(request), request.headers)
        return token

    def _may_resend(self, response: Response) -> bool:
        request = response.request
        if self._was_resent or self._was_led_away or not self._client.may_send_to(_url(request)):
            return False
        # When a redirect leads to another of the API's hosts, requests takes Authorization off, or replaces
        # it by what ~/.netrc has. Then it was not our token that was refused.
        if is_attached(self._token, _url(request), request.headers):
            try:
                self._client.rejected(self._token, 401, response.headers.get("WWW-Authenticate"))
            except Error:
                return False
        return self._rewind(request)

    def _rewind(self, request: PreparedRequest) -> bool:
        body: Any = request.body
        if body is None or isinstance(body, (bytes, str)):
            return True
        if self._body_start is None:
            return False
        body.seek(self._body_start)
        return True

    def _resend(self, response: Response, how_sent: dict[str, Any]) -> Response:
        self._was_resent = True
        _ = response.content  # Read to its end, so that the connection can be used again.
        response.close()
        request = _next(response)
        self._token = self._attach(request)
        connection: Any = response.connection
        again: Response = connection.send(request, **how_sent)
        again.request = request
        again.history.append(response)
        return again

    def _may_follow(self, response: Response) -> bool:
        return self._client.may_send_to(urljoin(response.url, response.headers["Location"]))

    def _strip(self, response: Response) -> None:
        self._was_led_away = True
        request = _next(response)
        for name in self._token.headers:
            request.headers.pop(name, None)


def _next(response: Response) -> PreparedRequest:
    """Return the request that requests goes on with, and leave the response a copy of it as it was sent."""
    request = response.request
    response.request = request.copy()
    return request


def _position(body: Any) -> int | None:
    """Return where a body starts that can be sought back, such as a file."""
    try:
        position: int = body.tell()
    except (AttributeError, OSError):
        return None
    return position if hasattr(body, "seek") else None


def _url(request: PreparedRequest) -> str:
    return request.url or ""
