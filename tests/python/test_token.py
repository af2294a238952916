"""A token: what it shows, and what it keeps to itself."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import tokenkeep

    from sandbox import Sandbox


def test_its_parts_fit_together(client: tokenkeep.Client) -> None:
    token = client.token()
    assert token.authorization == "Bearer " + token.value
    assert token.headers["Authorization"] == token.authorization
    assert token.query is None
    assert token.generation == client.token().generation


def test_its_headers_are_the_callers_own(client: tokenkeep.Client) -> None:
    token = client.token()
    headers = token.headers
    headers.clear()
    headers["Authorization"] = "mine"
    assert token.headers == {"Authorization": f"Bearer {token.value}"}
    assert token.authorization == f"Bearer {token.value}"


def test_its_end_is_an_aware_time(client: tokenkeep.Client) -> None:
    token = client.token()
    assert token.expires_at is not None
    assert token.expires_in is not None
    assert token.expires_at.tzinfo is timezone.utc
    left = token.expires_at - datetime.now(timezone.utc)
    assert abs(left - timedelta(seconds=token.expires_in)) < timedelta(seconds=1)
    assert 3500 < token.expires_in <= 3600


def test_its_repr_holds_no_secret(sandbox: Sandbox) -> None:
    token = sandbox.client("oauth2", grant="client_credentials", scope="read").token()
    assert token.value not in repr(token)
    assert "SANDBOX" not in repr(token)
    assert repr(token).startswith("<tokenkeep.Token generation=")
    assert "lifetime=known expires_in=3" in repr(token)
    assert "scope='read'" in repr(token)


def test_an_id_token_is_handed_out_as_it_came_and_never_shown(sandbox: Sandbox) -> None:
    plain = sandbox.client("oauth2", grant="client_credentials").token()
    assert plain.id_token is None
    sandbox.switch("oauth2", answer_extra={"id_token": "SANDBOX-TOKEN.id.token"})
    token = sandbox.client("oauth2", grant="client_credentials").token()
    assert token.id_token == "SANDBOX-TOKEN.id.token"
    assert "SANDBOX" not in repr(token)


def test_it_does_not_turn_into_text(client: tokenkeep.Client) -> None:
    token = client.token()
    turns = (str, format, "{}".format, "%s".__mod__, lambda token: f"Bearer {token}", print)
    for turn in turns:
        with pytest.raises(TypeError, match=r"token\.headers.*token\.value"):
            turn(token)


def test_it_is_not_pickled_but_shared_by_copies(client: tokenkeep.Client) -> None:
    token = client.token()
    with pytest.raises(TypeError, match="pickle the Client"):
        pickle.dumps(token)
    assert copy.copy(token) is token
    assert copy.deepcopy([token]) == [token]


def test_tokens_are_equal_only_to_themselves(client: tokenkeep.Client) -> None:
    first = client.token()
    client.rejected(first)
    assert {first: 1}[first] == 1
    assert first != client.token()
