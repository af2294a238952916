"""A client in another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import tokenkeep

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_a_client_travels_by_reference_to_its_secrets(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sandbox.settings("acquired", timeout=7.5)
    monkeypatch.setenv("TEST_APP_KEY", settings.pop("app_key"))
    client = tokenkeep.Client("acquired", **settings, app_key_env="TEST_APP_KEY")
    client.token()
    pickled = pickle.dumps(client)
    assert b"SANDBOX" not in pickled

    same = pickle.loads(pickled)
    assert same.token().value == client.token().value

    script = "import pickle, sys; print(pickle.load(sys.stdin.buffer).token().lifetime)"
    there = subprocess.run([sys.executable, "-c", script], input=pickled, capture_output=True, check=True)
    assert there.stdout.strip() == b"known"
    assert sandbox.count("acquired/login") == 2


def test_a_client_with_a_literal_secret_stays(client: tokenkeep.Client) -> None:
    with pytest.raises(tokenkeep.ConfigError, match="app_key") as caught:
        pickle.dumps(client)
    assert "_env" in str(caught.value)
    assert "SANDBOX" not in str(caught.value)
