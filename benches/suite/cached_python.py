"""A token in memory, in Python: every library, in a process of its own, round by round."""

from __future__ import annotations

import json
import subprocess
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from suite.environments import ROOT
from suite.measured import ratio, rounded, spread
from suite.page import Promise, table
from suite.peers import OURS, PEERS
from suite.sandbox import LONG_TOKEN

if TYPE_CHECKING:
    from suite.environments import Installed
    from suite.sandbox import Sandbox

SCRIPT = ROOT / "benches" / "python" / "cached.py"
FEW, MANY = "1", "16"


class CachedPython(NamedTuple):
    """Nanoseconds per call, round by round, by module and number of threads."""

    ns: dict[str, dict[str, list[float]]]


def measure(installed: dict[str, Installed], sandbox: Sandbox, rounds: int) -> CachedPython:
    """Each round is one process of every library; its figure is the median of the process's batches."""
    sandbox.lifetime(3600, access_token=LONG_TOKEN)
    ns: dict[str, dict[str, list[float]]] = {module: {FEW: [], MANY: []} for module in installed}
    for _ in range(rounds):
        for module, environment in installed.items():
            command = [environment.python, SCRIPT, module, *sandbox.words]
            said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for threads, batches in said.items():
                ns[module][threads].append(median(batches))
    return CachedPython(ns)


def section(measured: CachedPython) -> list[str]:
    """The table."""
    ours = measured.ns[OURS.module]
    rows = [
        [
            peer.name,
            spread(ns[FEW]),
            rounded(ratio(ns[FEW], ours[FEW])),
            spread(ns[MANY]),
            rounded(ratio(ns[MANY], ns[FEW])),
        ]
        for peer in (OURS, *PEERS)
        if (ns := measured.ns.get(peer.module))
    ]
    head = [
        "cached token",
        "1 thread, ns: best / median / worst round",
        "to ours",
        "16 threads, ns a call",
        "to 1 thread",
    ]
    return table(head, rows)


def promises(measured: CachedPython) -> list[Promise]:
    """What was promised of it."""
    ours = measured.ns[OURS.module]
    peers = {module: ratio(ns[FEW], ours[FEW]) for module, ns in measured.ns.items() if module != OURS.module}
    fastest = min(peers, key=peers.__getitem__, default=None)
    to_msal = peers.get("msal")
    to_one = ratio(ours[MANY], ours[FEW])
    return [
        Promise(
            "Python cached token: at least 8 times faster than the fastest peer",
            f"{rounded(peers[fastest])} ({fastest})" if fastest else "no peer",
            peers[fastest] >= 8 if fastest else None,
        ),
        Promise(
            "at least 100 times faster than msal",
            rounded(to_msal) if to_msal else "no msal",
            to_msal >= 100 if to_msal else None,
        ),
        Promise("16 threads no worse than 1.6 times 1", rounded(to_one), to_one <= 1.6),
    ]
