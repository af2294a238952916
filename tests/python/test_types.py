"""Types and style, checked by the tools that users have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tokenkeep

from sandbox import ROOT
from test_readme import blocks

PACKAGE = ROOT / "bindings" / "python"
TESTS = ROOT / "tests" / "python"


def run(*command: str) -> None:
    here = ROOT / "target"  # where the tools may leave their caches
    environment = {**os.environ, "MYPYPATH": str(Path(tokenkeep.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_and_its_tests_are_typed() -> None:
    run("mypy", "--strict", "-p", "tokenkeep")
    run("mypy", "--strict", str(TESTS), str(PACKAGE / "examples"))


DOCUMENTS = ("README.md", "docs/CONSENT.md", "docs/STORES.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_programs_of_the_documents_are_typed(document: str, tmp_path: Path) -> None:
    for number, program in enumerate(blocks(document)):
        (tmp_path / f"program_{number}.py").write_text(program)
    run("mypy", "--check-untyped-defs", str(tmp_path))


def test_the_stub_is_what_the_module_is() -> None:
    run("mypy.stubtest", "tokenkeep._tokenkeep")


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_style(command: list[str]) -> None:
    run("ruff", *command, "--no-cache", str(PACKAGE), str(TESTS))
