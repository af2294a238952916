"""Virtual environments, one for each library, and what each library puts into its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

from suite.peers import OURS, PEERS, Peer

ROOT = Path(__file__).parents[2]
BARE = "bare"
# One that can install into another environment.
PIP = "pip>=23.1"


class Installed(NamedTuple):
    """A library in an environment of its own."""

    python: Path
    packages: int
    size: int


class Environments:
    """The environments under one directory. What is there already, in the wanted versions, is kept."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.skipped: dict[str, str] = {}
        tools = directory / "tools"
        if not (tools / "ready").exists():
            venv.create(tools, with_pip=True, clear=True)
            run([tools / "bin" / "python", "-m", "pip", "install", "--quiet", PIP])
            (tools / "ready").touch()
        self.pip = [tools / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]

    def bare(self) -> Path:
        """A Python with nothing in it."""
        home = self.directory / BARE
        if not home.exists():
            venv.create(home, with_pip=False)
        return home / "bin" / "python"

    def installed(self) -> dict[str, Installed]:
        """Every library that could be installed, by module; ours anew, as it is now."""
        found = {}
        for peer in (OURS, *(peer for peer in PEERS if peer.requirements)):
            try:
                found[peer.module] = self.with_peer(peer)
            except subprocess.CalledProcessError as error:
                complaint = (error.stderr or "").strip().splitlines()
                self.skipped[peer.name] = complaint[-1] if complaint else "pip failed"
                print(f"skipped: {peer.name}: {self.skipped[peer.name]}", file=sys.stderr)
        if OURS.module not in found:
            raise SystemExit("tokenkeep itself cannot be installed")
        for peer in PEERS:
            if peer.home in found:
                found[peer.module] = found[peer.home]
        return found

    def with_peer(self, peer: Peer) -> Installed:
        """The environment of one library, made if need be."""
        home = self.directory / peer.module
        record = home / "installed.json"
        python = home / "bin" / "python"
        wanted = list(peer.requirements)
        if peer is not OURS and record.exists():
            known = json.loads(record.read_text())
            if known["requirements"] == wanted:
                return Installed(python, known["packages"], known["size"])
        venv.create(home, with_pip=False, clear=True)
        run([*self.pip, "--python", python, "install", "--quiet", "--no-compile", *wanted])
        listed = run([*self.pip, "--python", python, "list", "--format", "json"])
        installed = Installed(python, len(json.loads(listed)), size_of(home))
        known = {"requirements": wanted, "packages": installed.packages, "size": installed.size}
        record.write_text(json.dumps(known))
        return installed


def size_of(home: Path) -> int:
    """How many bytes lie in an environment's packages."""
    (packages,) = home.glob("lib/python*/site-packages")
    return sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())


def run(command: list[Path | str]) -> str:
    """Run a program of the suite in the root of the tree, and return what it printed."""
    # Bytecode is written on the first import, not when packages are installed.
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
