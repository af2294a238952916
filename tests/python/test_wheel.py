"""The wheel, as a user gets it: built by pip, in a fresh environment, outside the tree."""

from __future__ import annotations

import subprocess
import sys
import venv
from typing import TYPE_CHECKING

from sandbox import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

WHEEL_AT_MOST = 4 * 1024 * 1024


def test_the_wheel(sandbox: Sandbox, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", wheels, ROOT / "bindings" / "python"], check=True)
    (wheel,) = wheels.iterdir()
    assert "-cp39-abi3-" in wheel.name
    assert wheel.stat().st_size < WHEEL_AT_MOST

    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=False)
    subprocess.run(
        [*pip, "-q", "--python", fresh / "bin" / "python", "install", "--no-index", wheel], check=True
    )
    script = f"""
import tokenkeep
print(tokenkeep.__version__, tokenkeep.__file__)
print(tokenkeep.Client("acquired", **{sandbox.settings("acquired")!r}).token().lifetime)
"""
    python = fresh / "bin" / "python"
    there = subprocess.run(
        [python, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    where, lifetime = there.stdout.splitlines()
    assert str(fresh) in where
    assert lifetime == "known"
    installed = {path.name for path in fresh.glob("lib/python*/site-packages/tokenkeep/*")}
    assert {"__init__.py", "_tokenkeep.abi3.so", "_tokenkeep.pyi", "_settings.pyi", "py.typed"} <= installed
