"""Log records: who emits them, and what never is in them."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
import tokenkeep

if TYPE_CHECKING:
    from sandbox import Sandbox


def test_the_calling_thread_tells_what_happened(
    sandbox: Sandbox, client: tokenkeep.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.token()
        client.rejected(client.token())
        client.token()
    ours = [record for record in caplog.records if record.name == "tokenkeep"]
    assert ours
    assert {record.thread for record in ours} == {threading.get_ident()}
    assert {record.filename for record in ours} == {"test_log.py"}
    assert "SANDBOX" not in caplog.text
    assert {record.name for record in caplog.records if record.name.startswith("ureq")} == set()
    assert sandbox.count("acquired/login") == 2


def test_what_two_clients_share_is_told_once(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    settings = sandbox.settings("acquired")
    one, two = (tokenkeep.Client("acquired", **settings) for _ in range(2))
    with caplog.at_level(logging.DEBUG, logger="tokenkeep"):
        caplog.clear()
        assert one.token().value == two.token().value
        one.token()
    assert [record.getMessage() for record in caplog.records] == ["Acquired.com: a token was had"]


def test_a_handler_may_call_in_again(client: tokenkeep.Client) -> None:
    class Handler(logging.Handler):
        found: tokenkeep.Token | None = None

        def emit(self, _: logging.LogRecord) -> None:
            self.found = client.token()

    logger, handler = logging.getLogger("tokenkeep"), Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        assert client.token() is handler.found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize(("status", "imports"), [(200, "False"), (503, "True")])
def test_logging_is_imported_for_a_warning_at_the_most(sandbox: Sandbox, status: int, imports: str) -> None:
    if status != 200:
        sandbox.fault("acquired/login", status=status, times=0)
    script = f"""
import sys, tokenkeep
client = tokenkeep.Client("acquired", max_attempts=1, **{sandbox.settings("acquired")!r})
try:
    client.token()
except tokenkeep.ServerError:
    pass
print("logging" in sys.modules)
"""
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == imports
