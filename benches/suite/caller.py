"""A program that asks for tokens as it is told: in C or in Python, ours or a peer's."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from suite.environments import ROOT
from suite.peers import OURS, PEERS

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from suite.environments import Installed
    from suite.peers import Early
    from suite.sandbox import Sandbox

SCRIPT = ROOT / "benches" / "python" / "caller.py"


class Calls(NamedTuple):
    """What became of some calls."""

    waits_ms: list[float]
    outcomes: list[str]

    @property
    def longest_ms(self) -> float:
        """The longest wait."""
        return max(self.waits_ms)

    @property
    def failed(self) -> int:
        """How many brought no token."""
        return sum(outcome not in ("OK", "STALE") for outcome in self.outcomes)

    @property
    def stale(self) -> int:
        """How many brought a token that had ended."""
        return self.outcomes.count("STALE")


class Kind(NamedTuple):
    """A way to ask for tokens: a library, in a language."""

    name: str
    command: list[Path | str]
    early: Early | None
    is_ours: bool = False


class Caller:
    """The running program."""

    def __init__(self, kind: Kind) -> None:
        self.process = subprocess.Popen(
            kind.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __enter__(self) -> Caller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # It may still have a renewal under way that nobody waits for.
        self.process.kill()
        self.process.communicate()

    def tell(self, *words: object) -> dict[str, Any]:
        """Give a command and return its answer."""
        assert self.process.stdin is not None  # noqa: S101
        assert self.process.stdout is not None  # noqa: S101
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended at {words}")
        return dict(json.loads(answer))

    def calls(self, *words: object) -> Calls:
        """Give a command that makes calls."""
        answer = self.tell(*words)
        return Calls(answer["waits_ms"], answer["outcomes"])


def ours(programs: Path, installed: dict[str, Installed], sandbox: Sandbox) -> list[Kind]:
    """This library, in C and in Python."""
    in_c = [programs / "caller", *sandbox.c_words]
    in_python = [installed[OURS.module].python, SCRIPT, OURS.module, *sandbox.words]
    return [
        Kind("tokenkeep, C", in_c, OURS.early, True),
        Kind("tokenkeep, Python", in_python, OURS.early, True),
    ]


def peers(installed: dict[str, Installed], sandbox: Sandbox) -> list[Kind]:
    """Those of the peers that are installed."""
    return [
        Kind(peer.name, [installed[peer.module].python, SCRIPT, peer.module, *sandbox.words], peer.early)
        for peer in PEERS
        if peer.module in installed
    ]
