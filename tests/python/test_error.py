"""The exceptions: which one, what it knows, and that it travels."""

from __future__ import annotations

import pickle
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep
from tokenkeep import _error

from sandbox import ROOT

if TYPE_CHECKING:
    from sandbox import Sandbox

KINDS = tokenkeep.Error.__subclasses__()


def test_wrong_credentials(sandbox: Sandbox) -> None:
    client = sandbox.client("acquired", app_key="x" * 32)
    with pytest.raises(tokenkeep.Denied) as caught:
        client.token()
    error = caught.value
    assert (error.status, error.http_status, error.code) == ("DENIED", 401, "unauthorized")
    assert not error.is_retryable
    assert "x" * 32 not in str(error)


def test_a_vendor_that_asks_to_slow_down(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", status=429, headers={"Retry-After": "7"}, times=0)
    with pytest.raises(tokenkeep.RateLimited) as caught:
        sandbox.client("acquired", max_attempts=1).token()
    assert caught.value.is_retryable
    assert caught.value.retry_after is not None
    assert 5 < caught.value.retry_after <= 7


def test_a_vendor_that_fails(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", status=503, times=0)
    with pytest.raises(tokenkeep.ServerError) as caught:
        sandbox.client("acquired").token()
    assert caught.value.is_retryable
    assert caught.value.http_status == 503


def test_a_vendor_that_talks_nonsense(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", body="garbage", times=0)
    with pytest.raises(tokenkeep.ProtocolError):
        sandbox.client("acquired").token()


def test_a_vendor_that_cannot_be_reached(sandbox: Sandbox) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectionError) as caught:
            sandbox.client("acquired", base_url=nowhere, max_attempts=1).token()
    assert isinstance(caught.value, tokenkeep.NetworkError)
    assert caught.value.is_retryable


def test_a_vendor_that_hangs(sandbox: Sandbox) -> None:
    sandbox.fault("acquired/login", hang=True, times=0)
    before = time.monotonic()
    with pytest.raises(TimeoutError) as caught:
        sandbox.client("acquired").token(timeout=0.3)
    assert time.monotonic() - before < 1
    assert isinstance(caught.value, tokenkeep.TokenTimeout)
    assert caught.value.is_retryable


def test_a_person_must_say_yes_first(sandbox: Sandbox) -> None:
    with pytest.raises(tokenkeep.ConsentRequired):
        sandbox.client("pink", grant="authorization_code").token()


def test_there_is_one_for_each_status_and_they_are_all_exported() -> None:
    statuses = {kind.status for kind in KINDS}
    assert len(statuses) == len(KINDS) == 18
    for kind in KINDS:
        assert getattr(tokenkeep, kind.__name__) is kind
        assert kind.__name__ in tokenkeep.__all__
        assert kind.__module__ == "tokenkeep"


@pytest.mark.parametrize("kind", KINDS)
def test_a_pickled_error_keeps_all_that_it_knows(kind: type[tokenkeep.Error]) -> None:
    error = _error.of_status(kind.status, "what went wrong", 503, "unauthorized", 2.5)
    known: dict[str, Any] = {"http_status": 503, "code": "unauthorized", "retry_after": 2.5}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(error, protocol))
        assert type(copy) is kind
        assert str(copy) == "what went wrong"
        assert {name: getattr(copy, name) for name in known} == known
        assert (copy.status, copy.is_retryable) == (kind.status, kind.is_retryable)


def test_a_status_of_the_future_is_a_plain_error() -> None:
    error = _error.of_status("ECLIPSE", "dark", None, None, None)
    assert type(error) is tokenkeep.Error
    assert error.status == "ECLIPSE"


def test_the_readme_says_of_each_what_to_do() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = [
        line.split(" | ") for line in readme.splitlines() if line.startswith("| `") and line.count(" | ") == 2
    ]
    for kind in KINDS:
        found = [row for row in rows if f"`{kind.status}`" in row[0] and f"`{kind.__name__}`" in row[1]]
        assert len(found) == 1, kind
