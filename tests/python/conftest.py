"""What every test may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tokenkeep


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> tokenkeep.Client:
    """A client of Acquired.com, the simplest vendor that is asked for its tokens."""
    return sandbox.client("acquired")
