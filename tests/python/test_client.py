"""A client's life: every vendor and way, and what else a client can do."""

from __future__ import annotations

import copy
import os
import time
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox


def fetch(sandbox: Sandbox, vendor: str, token: tokenkeep.Token) -> int:
    return sandbox.get(sandbox.resource(vendor), token.headers)


def test_acquire_takes_a_given_token(sandbox: Sandbox) -> None:
    token = sandbox.client("acquire").token()
    assert fetch(sandbox, "acquire", token) == 200
    assert token.expires_at is None
    assert token.lifetime == "unknown"


def test_acquired_logs_in_once(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    token = client.token()
    assert fetch(sandbox, "acquired", token) == 200
    assert client.token() is token
    assert sandbox.count("acquired/login") == 1
    assert token.lifetime == "known"


def test_acquired_sends_its_companion_headers(sandbox: Sandbox) -> None:
    token = sandbox.client("acquired", company_id="company-1", mid="mid-1").token()
    assert token.headers["Company-Id"] == "company-1"
    assert token.headers["Mid"] == "mid-1"


def test_frederick_buys_a_location_token(sandbox: Sandbox) -> None:
    token = sandbox.client("frederick").token()
    assert fetch(sandbox, "frederick", token) == 200
    assert "x-api-key" in {name.lower() for name in token.headers}
    assert token.lifetime == "never"
    assert sandbox.count("frederick/user_token") == 1
    assert sandbox.count("frederick/location_token") == 1


def test_frederick_can_act_as_the_user(sandbox: Sandbox) -> None:
    token = sandbox.client("frederick", acts_as="user").token()
    assert sandbox.get(f"{sandbox.url}/frederick/v1/users/me", token.headers) == 200
    assert sandbox.count("frederick/location_token") == 0


def test_frederick_can_put_the_token_into_the_query(sandbox: Sandbox) -> None:
    token = sandbox.client("frederick", placement="query").token()
    assert token.query is not None
    assert token.query.startswith("access_token=")
    assert token.authorization is None
    assert "Authorization" not in token.headers
    assert sandbox.get(f"{sandbox.resource('frederick')}?{token.query}", token.headers) == 200


def test_pink_takes_a_personal_access_token(sandbox: Sandbox) -> None:
    token = tokenkeep.Client(
        "pink",
        base_url=sandbox.vendors["pink"]["base_url"],
        grant="access_token",
        access_token=sandbox.vendors["pink"]["personal_access_token"],
    ).token()
    assert fetch(sandbox, "pink", token) == 200


def test_oauth2_client_credentials(sandbox: Sandbox) -> None:
    token = sandbox.client("oauth2", grant="client_credentials", scope=["read", "write"]).token()
    assert fetch(sandbox, "oauth2", token) == 200
    assert sorted((token.scope or "").split()) == ["read", "write"]


def test_the_issuer_alone_leads_to_the_endpoints(sandbox: Sandbox) -> None:
    settings = sandbox.settings("oauth2", issuer=sandbox.vendors["oauth2"]["base_url"])
    del settings["token_url"], settings["revoke_url"]
    token = tokenkeep.Client("oauth2", **settings).token()
    assert fetch(sandbox, "oauth2", token) == 200


@pytest.mark.parametrize("way", ["env", "file", "command"])
def test_a_secret_may_come_by_reference(
    sandbox: Sandbox, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sandbox.settings("acquired")
    key = settings.pop("app_key")
    file = tmp_path / "app key"
    file.write_text(key + "\n")
    monkeypatch.setenv("TEST_APP_KEY", key)
    reference: dict[str, Any] = {"env": "TEST_APP_KEY", "file": file, "command": ["cat", str(file)]}
    assert tokenkeep.Client("acquired", **settings, **{f"app_key_{way}": reference[way]}).token().value


def test_a_profile_and_what_overrides_it(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = sandbox.settings("acquired")
    profiles = tmp_path / "tokenkeep.toml"
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    profiles.write_text("\n".join(["[billing]", 'provider = "acquired"', *lines]))
    profiles.chmod(0o600)
    client = tokenkeep.Client.from_profile("billing", profiles, timeout=5.5, company_id="company-1")
    assert client.provider == "acquired"
    assert client.token().headers["Company-Id"] == "company-1"
    with pytest.raises(tokenkeep.ConfigError, match="billing"):
        tokenkeep.Client.from_profile("biling", path=str(profiles))


def test_with_changes_some_settings(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    alice = client.with_(account="alice")
    branded = client.with_(company_id="company-1")
    assert alice.token().value != client.token().value
    assert branded.token().value == client.token().value
    assert branded.token().headers["Company-Id"] == "company-1"
    assert sandbox.count("acquired/login") == 2


def test_peek_neither_waits_nor_asks(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    assert client.peek() is None
    token = client.token()
    assert client.peek() is token
    assert sandbox.count("acquired/login") == 1


def test_prefetch_returns_before_the_vendor_answers(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    sandbox.fault("acquired/login", delay_ms=300)
    before = time.monotonic()
    client.prefetch()
    assert time.monotonic() - before < 0.2
    assert client.token() is client.peek()
    assert sandbox.count("acquired/login") == 1


def test_min_valid_renews_a_token_that_ends_too_soon(client: tokenkeep.Client) -> None:
    first = client.token()
    assert client.token(min_valid=3000) is first
    time.sleep(0.6)
    second = client.token(min_valid=3599.5)
    assert second.value != first.value
    assert client.token() is second


def test_rejected_says_whether_asking_again_helps(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    first = client.token()
    client.rejected(first)
    second = client.token()
    assert second.value != first.value
    client.rejected(first.generation, 401)  # long gone: the second token stays
    assert client.token() is second
    with pytest.raises(tokenkeep.Rejected):
        client.rejected(second, 403)
    given = sandbox.client("acquire")
    with pytest.raises(tokenkeep.Rejected):
        given.rejected(given.token(), http_status=401, www_authenticate='Bearer error="invalid_token"')


@pytest.mark.parametrize("number", [0, 99, 600, 65535])
def test_a_number_that_is_no_http_status_is_refused_and_drops_nothing(
    number: int, client: tokenkeep.Client
) -> None:
    token = client.token()
    with pytest.raises(tokenkeep.InvalidArgumentError, match=f"{number} is no HTTP status"):
        client.rejected(token, http_status=number)
    assert client.token() is token


def test_rejected_takes_a_token_or_its_generation(client: tokenkeep.Client) -> None:
    with pytest.raises(TypeError):
        client.rejected(client.token().value)  # type: ignore[arg-type]
    client.rejected(client.token())


def test_a_closed_client_still_has_its_token(client: tokenkeep.Client) -> None:
    with client as same:
        assert same is client
        token = client.token()
    assert client.token() is token
    client.close()
    client.rejected(token)
    with pytest.raises(tokenkeep.Cancelled):
        client.token()


def test_revoke_forgets_the_token(sandbox: Sandbox) -> None:
    client = sandbox.client("oauth2", grant="client_credentials")
    client.token()
    client.revoke(timeout=5)
    assert client.peek() is None
    assert sandbox.count("oauth2/revoke") == 1


def test_stats_count(client: tokenkeep.Client) -> None:
    client.token()
    client.token()
    stats = client.stats()
    assert (stats.renewals, stats.failures, stats.shared_waits) == (1, 0, 0)
    assert stats.hits >= 1
    assert stats.next_renewal is not None
    assert stats.next_renewal.utcoffset() is not None
    assert "renewals=1" in repr(stats)


def test_last_error_tells_of_a_renewal_that_failed(sandbox: Sandbox, client: tokenkeep.Client) -> None:
    assert client.last_error is None
    sandbox.fault("acquired/login", status=503, times=0)
    with pytest.raises(tokenkeep.ServerError):
        client.token()
    assert isinstance(client.last_error, tokenkeep.ServerError)
    assert client.last_error.http_status == 503
    assert client.stats().failures == 1


def test_an_argument_that_makes_no_sense(client: tokenkeep.Client) -> None:
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(tokenkeep.InvalidArgumentError, match="timeout"):
            client.token(timeout=seconds)
        with pytest.raises(tokenkeep.InvalidArgumentError, match="min_valid"):
            _ = client.token_async(min_valid=seconds)


def test_a_client_is_one_handle(client: tokenkeep.Client) -> None:
    assert copy.copy(client) is client
    assert copy.deepcopy({"client": client})["client"] is client
    assert weakref.ref(client)() is client
    assert repr(client) == "<tokenkeep.Client provider='acquired'>"


def test_it_works_in_a_forked_child(client: tokenkeep.Client) -> None:
    client.token()
    child = os.fork()
    if child == 0:
        client.rejected(client.token())
        os._exit(0 if client.token(timeout=5).value else 1)
    assert os.waitpid(child, 0)[1] == 0
