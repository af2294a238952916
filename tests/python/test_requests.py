"""The hook for requests."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import requests
import tokenkeep

from refusal import CHALLENGES, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

CUSTOMERS = "acquired/customers"
LINKS = "acquired/payment_links"


@pytest.fixture
def session(client: tokenkeep.Client) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = client.requests_auth()
        yield session


@pytest.fixture
def customers(sandbox: Sandbox) -> str:
    return sandbox.resource("acquired")


@pytest.fixture
def links(sandbox: Sandbox) -> str:
    return f"{sandbox.url}/acquired/v1/payment-links"


def authorization(response: requests.Response) -> str:
    """What went with the request that got this answer."""
    return str(response.request.headers["Authorization"])


def elsewhere(sandbox: Sandbox) -> str:
    """The same server under a name that is not among `api_hosts`."""
    return sandbox.url.replace("127.0.0.1", "localhost") + "/elsewhere"


def test_it_attaches_the_token(session: requests.Session, customers: str) -> None:
    assert session.get(customers).status_code == 200
    assert session.get(customers).status_code == 200


def test_a_revoked_token_is_renewed_and_the_request_sent_again(
    sandbox: Sandbox, session: requests.Session, customers: str
) -> None:
    first = session.get(customers)
    sandbox.revoke("acquired")
    response = session.get(customers)
    assert response.status_code == 200
    assert [earlier.status_code for earlier in response.history] == [401]
    assert authorization(response.history[0]) == authorization(first)
    assert authorization(response) != authorization(first)
    assert sandbox.count("acquired/login") == 2
    assert sandbox.count(CUSTOMERS) == 3


def test_it_sends_again_only_once(sandbox: Sandbox, session: requests.Session, customers: str) -> None:
    sandbox.switch("acquired", reject_all_tokens=True)
    response = session.get(customers)
    assert response.status_code == 401
    assert response.json()["error_type"] == "unauthorized"
    assert sandbox.count(CUSTOMERS) == 2


def test_a_given_token_is_not_tried_again(sandbox: Sandbox) -> None:
    sandbox.switch("acquire", reject_all_tokens=True)
    auth = sandbox.client("acquire").requests_auth()
    assert requests.get(sandbox.resource("acquire"), auth=auth, timeout=10).status_code == 401
    assert sandbox.count("acquire/leads") == 1


def test_403_is_left_alone(sandbox: Sandbox, session: requests.Session, customers: str) -> None:
    sandbox.fault(CUSTOMERS, status=403)
    assert session.get(customers).status_code == 403
    assert sandbox.count(CUSTOMERS) == 1


@pytest.mark.parametrize("way", CHALLENGES)
def test_a_token_of_too_small_a_scope_is_kept_and_not_tried_again(
    way: str, sandbox: Sandbox, client: tokenkeep.Client
) -> None:
    with refusing(CHALLENGES[way]) as refusal:
        assert requests.get(refusal.url, auth=client.requests_auth(), timeout=10).status_code == 401
    assert refusal.asked == 1
    assert client.token() is client.peek()
    assert sandbox.count("acquired/login") == 1


@pytest.mark.parametrize("body", [b'{"a": 1}', '{"a": 1}', io.BytesIO(b'{"a": 1}')])
def test_a_body_that_can_be_sent_twice(
    sandbox: Sandbox, session: requests.Session, links: str, body: bytes | str | io.BytesIO
) -> None:
    session.get(sandbox.resource("acquired"))
    sandbox.revoke("acquired")
    assert session.post(links, data=body).status_code < 300
    assert [request["body"] for request in sandbox.requests(LINKS)] == ['{"a": 1}'] * 2


def test_a_body_starts_where_it_started(sandbox: Sandbox, session: requests.Session, links: str) -> None:
    session.get(sandbox.resource("acquired"))
    sandbox.revoke("acquired")
    body = io.BytesIO(b'skipped{"a": 1}')
    body.seek(7)
    assert session.post(links, data=body).status_code < 300
    assert [request["body"] for request in sandbox.requests(LINKS)] == ['{"a": 1}'] * 2


def test_a_body_that_is_gone_is_not_sent_again(
    sandbox: Sandbox, session: requests.Session, links: str, customers: str
) -> None:
    session.get(customers)
    sandbox.revoke("acquired")
    assert session.post(links, data=iter([b'{"a": 1}'])).status_code == 401
    assert sandbox.count(LINKS) == 1
    assert session.get(customers).status_code == 200  # the refused token is forgotten all the same
    assert sandbox.count(CUSTOMERS) == 2


def test_netrc_does_not_replace_the_token(
    session: requests.Session, customers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert session.get(customers).status_code == 200
    assert authorization(requests.get(customers, timeout=10)).startswith("Basic ")


def test_netrc_does_not_win_after_a_redirect_either(
    sandbox: Sandbox,
    session: requests.Session,
    customers: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    sandbox.fault(CUSTOMERS, redirect=customers)
    assert session.get(customers).status_code == 200


def test_a_redirect_within_the_api_keeps_the_token(
    sandbox: Sandbox, session: requests.Session, customers: str
) -> None:
    sandbox.fault(CUSTOMERS, redirect=customers)
    response = session.get(customers)
    assert response.status_code == 200
    assert [earlier.status_code for earlier in response.history] == [302]
    assert sandbox.count(CUSTOMERS) == 2


def test_a_redirect_after_sending_again_goes_with_the_new_token(
    sandbox: Sandbox, session: requests.Session, customers: str
) -> None:
    session.get(customers)
    sandbox.revoke("acquired")
    sandbox.fault(CUSTOMERS, skip=1, redirect=customers)
    response = session.get(customers)
    assert response.status_code == 200
    assert sandbox.count("acquired/login") == 2
    assert sandbox.count(CUSTOMERS) == 4


def test_a_redirect_to_another_host_of_the_api_gets_the_token(sandbox: Sandbox, customers: str) -> None:
    client = sandbox.client("acquired", api_hosts=["127.0.0.1", "localhost"])
    sandbox.fault(CUSTOMERS, redirect=customers.replace("127.0.0.1", "localhost"))
    response = requests.get(customers, auth=client.requests_auth(), timeout=10)
    assert response.status_code == 200
    assert sandbox.count("acquired/login") == 1


def test_a_redirect_to_another_host_gets_no_token(
    sandbox: Sandbox, session: requests.Session, customers: str
) -> None:
    sandbox.fault(CUSTOMERS, redirect=elsewhere(sandbox))
    response = session.get(customers)
    assert response.status_code == 404
    assert authorization(response.history[0]).startswith("Bearer ")
    (there,) = sandbox.requests("unmatched")
    assert "authorization" not in there["headers"]


def test_a_redirect_to_another_host_gets_no_companion_header(sandbox: Sandbox) -> None:
    auth = sandbox.client("frederick").requests_auth()
    sandbox.fault("frederick/appointments", redirect=elsewhere(sandbox), status=307)
    requests.get(sandbox.resource("frederick"), auth=auth, timeout=10)
    (there,) = sandbox.requests("unmatched")
    assert "SANDBOX" not in repr(there)


def test_the_way_back_from_another_host_gets_no_token(
    sandbox: Sandbox, session: requests.Session, customers: str
) -> None:
    sandbox.fault(CUSTOMERS, redirect=sandbox.resource("acquire").replace("127.0.0.1", "localhost"))
    sandbox.fault("acquire/leads", redirect=customers)
    assert session.get(customers).status_code == 401
    there, back = sandbox.requests("acquire/leads")[-1], sandbox.requests(CUSTOMERS)[-1]
    assert "authorization" not in there["headers"]
    assert "authorization" not in back["headers"]


def test_another_host_gets_no_token(sandbox: Sandbox, session: requests.Session) -> None:
    session.get(elsewhere(sandbox))
    (there,) = sandbox.requests("unmatched")
    assert "authorization" not in there["headers"]
    assert sandbox.count("acquired/login") == 0


def test_the_token_in_the_query(sandbox: Sandbox) -> None:
    client = sandbox.client("frederick", placement="query")
    url = sandbox.resource("frederick")
    params = {"from": "2026-01-01", "access_token": "stale"}
    assert requests.get(url, params=params, auth=client.requests_auth(), timeout=10).status_code == 200
    sent = sandbox.requests("frederick/appointments")[-1]
    assert sent["query"] == f"from=2026-01-01&{client.token().query}"
    assert sent["headers"]["cache-control"] == "no-store"
    assert "authorization" not in sent["headers"]


def test_an_error_of_the_login_is_raised_as_it_is(sandbox: Sandbox, customers: str) -> None:
    auth = sandbox.client("acquired", app_key="x" * 32).requests_auth()
    with pytest.raises(tokenkeep.Denied):
        requests.get(customers, auth=auth, timeout=10)


def test_its_repr(client: tokenkeep.Client) -> None:
    assert repr(client.requests_auth()) == "<tokenkeep.Client.requests_auth provider='acquired'>"


def test_a_hook_that_knows_no_host_is_refused() -> None:
    client = tokenkeep.Client(
        "oauth2", token_url="https://login.example/token", client_id="id", client_secret="not a real one"
    )
    for hook in (client.requests_auth, client.httpx_auth):
        with pytest.raises(tokenkeep.ConfigError, match="api_hosts"):
            hook()
