"""The hook for httpx, in both of its worlds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tokenkeep

from refusal import CHALLENGES, refusing

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

    Fetch = Callable[..., httpx.Response]

CUSTOMERS = "acquired/customers"
LINKS = "acquired/payment_links"


def fetch_sync(client: tokenkeep.Client, url: str, method: str = "GET", **options: Any) -> httpx.Response:
    with httpx.Client(auth=client.httpx_auth(), follow_redirects=True) as session:
        return session.request(method, url, **options)


def fetch_async(client: tokenkeep.Client, url: str, method: str = "GET", **options: Any) -> httpx.Response:
    async def main() -> httpx.Response:
        async with httpx.AsyncClient(auth=client.httpx_auth(), follow_redirects=True) as session:
            return await session.request(method, url, **options)

    return asyncio.run(main())


@pytest.fixture(params=[fetch_sync, fetch_async], ids=["sync", "async"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    fetch: Fetch = request.param
    return fetch


@pytest.fixture
def customers(sandbox: Sandbox) -> str:
    return sandbox.resource("acquired")


def elsewhere(sandbox: Sandbox) -> str:
    """The same server under a name that is not among `api_hosts`."""
    return sandbox.url.replace("127.0.0.1", "localhost") + "/elsewhere"


def test_it_attaches_the_token(fetch: Fetch, client: tokenkeep.Client, customers: str) -> None:
    assert fetch(client, customers).status_code == 200


def test_a_revoked_token_is_renewed_and_the_request_sent_again(
    sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client, customers: str
) -> None:
    first = client.token()
    sandbox.revoke("acquired")
    response = fetch(client, customers)
    assert response.status_code == 200
    assert [earlier.status_code for earlier in response.history] == [401]
    assert response.history[0].request.headers["Authorization"] == first.authorization
    assert response.request.headers["Authorization"] == client.token().authorization
    assert sandbox.count("acquired/login") == 2
    assert sandbox.count(CUSTOMERS) == 2


def test_it_sends_again_only_once(
    sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client, customers: str
) -> None:
    sandbox.switch("acquired", reject_all_tokens=True)
    response = fetch(client, customers)
    assert response.status_code == 401
    assert response.json()["error_type"] == "unauthorized"
    assert sandbox.count(CUSTOMERS) == 2


def test_a_given_token_is_not_tried_again(sandbox: Sandbox, fetch: Fetch) -> None:
    sandbox.switch("acquire", reject_all_tokens=True)
    assert fetch(sandbox.client("acquire"), sandbox.resource("acquire")).status_code == 401
    assert sandbox.count("acquire/leads") == 1


@pytest.mark.parametrize("way", CHALLENGES)
def test_a_token_of_too_small_a_scope_is_kept_and_not_tried_again(
    way: str, sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client
) -> None:
    with refusing(CHALLENGES[way]) as refusal:
        assert fetch(client, refusal.url).status_code == 401
    assert refusal.asked == 1
    assert client.token() is client.peek()
    assert sandbox.count("acquired/login") == 1


def test_a_body_is_sent_again(sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client) -> None:
    client.token()
    sandbox.revoke("acquired")
    links = f"{sandbox.url}/acquired/v1/payment-links"
    assert fetch(client, links, "POST", content=b'{"a": 1}').status_code < 300
    assert [request["body"] for request in sandbox.requests(LINKS)] == ['{"a": 1}'] * 2


def test_a_stream_is_not_sent_again(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    client.token()
    sandbox.revoke("acquired")
    links = f"{sandbox.url}/acquired/v1/payment-links"
    assert fetch_sync(client, links, "POST", content=iter([b'{"a": 1}'])).status_code == 401
    assert sandbox.count(LINKS) == 1


def test_a_redirect_within_the_api_keeps_the_token(
    sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client, customers: str
) -> None:
    sandbox.fault(CUSTOMERS, redirect=customers)
    response = fetch(client, customers)
    assert response.status_code == 200
    assert sandbox.count(CUSTOMERS) == 2


def test_a_redirect_to_another_host_of_the_api_gets_the_token(
    sandbox: Sandbox, fetch: Fetch, customers: str
) -> None:
    client = sandbox.client("acquired", api_hosts=["127.0.0.1", "localhost"])
    sandbox.fault(CUSTOMERS, redirect=customers.replace("127.0.0.1", "localhost"))
    assert fetch(client, customers).status_code == 200
    assert sandbox.count("acquired/login") == 1


def test_a_redirect_to_another_host_gets_neither_token_nor_companion(sandbox: Sandbox, fetch: Fetch) -> None:
    client = sandbox.client("frederick")
    sandbox.fault("frederick/appointments", redirect=elsewhere(sandbox), status=307)
    assert fetch(client, sandbox.resource("frederick")).status_code == 404
    (there,) = sandbox.requests("unmatched")
    assert "SANDBOX" not in repr(there)


def test_the_way_back_from_another_host_gets_no_token(
    sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client, customers: str
) -> None:
    sandbox.fault(CUSTOMERS, redirect=sandbox.resource("acquire").replace("127.0.0.1", "localhost"))
    sandbox.fault("acquire/leads", redirect=customers)
    assert fetch(client, customers).status_code == 401
    there, back = sandbox.requests("acquire/leads")[-1], sandbox.requests(CUSTOMERS)[-1]
    assert "authorization" not in there["headers"]
    assert "authorization" not in back["headers"]


def test_another_host_gets_no_token(sandbox: Sandbox, fetch: Fetch, client: tokenkeep.Client) -> None:
    assert fetch(client, elsewhere(sandbox)).status_code == 404
    (there,) = sandbox.requests("unmatched")
    assert "authorization" not in there["headers"]
    assert sandbox.count("acquired/login") == 0


def test_companion_headers_survive_sending_again(sandbox: Sandbox, fetch: Fetch) -> None:
    client = sandbox.client("frederick")
    client.token()
    sandbox.revoke("frederick")
    assert fetch(client, sandbox.resource("frederick")).status_code == 200


def test_the_token_in_the_query(sandbox: Sandbox, fetch: Fetch) -> None:
    client = sandbox.client("frederick", placement="query")
    params = {"from": "2026-01-01", "access_token": "stale"}
    assert fetch(client, sandbox.resource("frederick"), params=params).status_code == 200
    sent = sandbox.requests("frederick/appointments")[-1]
    assert sent["query"] == f"from=2026-01-01&{client.token().query}"
    assert sent["headers"]["cache-control"] == "no-store"
    assert "authorization" not in sent["headers"]


def test_an_extension_of_the_callers_own_still_works(sandbox: Sandbox) -> None:
    events: list[str] = []
    client = sandbox.client("frederick")
    extensions = {"trace": lambda event, _: events.append(event)}
    assert fetch_sync(client, sandbox.resource("frederick"), extensions=extensions).status_code == 200
    assert "http11.send_request_headers.started" in events


def test_an_error_of_the_login_is_raised_as_it_is(sandbox: Sandbox, fetch: Fetch, customers: str) -> None:
    with pytest.raises(tokenkeep.Denied):
        fetch(sandbox.client("acquired", app_key="x" * 32), customers)


def test_its_repr(client: tokenkeep.Client) -> None:
    assert repr(client.httpx_auth()) == "<tokenkeep.Client.httpx_auth provider='acquired'>"
