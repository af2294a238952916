"""Runs the same short program in C, C++ and Python against every vendor of the sandbox and prints what each did.

    run.py SANDBOX C_PROGRAM CPP_PROGRAM PYTHON_PATH

Ends with status 1 if anything went otherwise than it should.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

COLUMNS = ["", "", "got a token", "called", "expired", "refreshed", "revoked at the vendor"]


class Way(NamedTuple):
    """One way to get a token."""

    title: str
    vendor: str
    settings: dict[str, str]
    # What must happen, cell by cell.
    wanted: tuple[str, str, str, str, str]


LIVING = ("yes", "200", "401", "200", "recovered")
GIVEN = ("yes", "200", "no end known", "not needed", "told: do not ask again")
LASTING = ("yes", "200", "never does", "not needed", "recovered")


def ways(vendors: dict[str, dict]) -> list[Way]:
    personal = {"grant": "access_token", "access_token": vendors["pink"]["personal_access_token"]}
    return [
        Way("Acquire: given token", "acquire", vendors["acquire"]["settings"], GIVEN),
        Way("Acquired.com: login", "acquired", vendors["acquired"]["settings"], LIVING),
        Way("Frederick: user, location", "frederick", vendors["frederick"]["settings"], LASTING),
        Way(
            "PINK: code and refresh",
            "pink",
            {"grant": "authorization_code", **vendors["pink"]["settings"]},
            LIVING,
        ),
        Way("PINK: personal token", "pink", personal, GIVEN),
        Way("OAuth 2: client credentials", "oauth2", vendors["oauth2"]["settings"], LIVING),
    ]


def post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(request, timeout=10).close()


def run(program: list[str], way: Way, ready: dict) -> tuple[list[str], str]:
    """The cells that the program printed, and what it complained of."""
    vendor = ready["vendors"][way.vendor]
    post(ready["control"] + "/reset", {})
    if way.vendor in ("acquired", "pink", "oauth2"):
        post(f"{ready['control']}/vendors/{way.vendor}", {"lifetime": 1})
    settings = [f"{name}={value}" for name, value in {"base_url": vendor["base_url"], **way.settings}.items()]
    command = [*program, vendor["resource"], ready["control"], way.vendor, way.vendor, *settings]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    complaint = done.stderr.strip() or (f"ended with {done.returncode}" if done.returncode else "")
    return done.stdout.strip().split("\t"), complaint


def print_row(cells: list[str]) -> None:
    widths = [28, 7, 12, 7, 13, 11, 22]
    print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


def main(sandbox: str, c_program: str, cpp_program: str, python_path: str) -> int:
    os.environ["PYTHONPATH"] = python_path
    python = [sys.executable, str(Path(__file__).with_name("demo.py"))]
    programs = {"C": [c_program], "C++": [cpp_program], "Python": python}
    failures = []
    with subprocess.Popen([sandbox], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            print_row(COLUMNS)
            for way in ways(ready["vendors"]):
                for language, program in programs.items():
                    cells, complaint = run(program, way, ready)
                    if complaint or tuple(cells) != way.wanted:
                        failures.append(
                            f"{way.title} in {language}: {complaint or 'otherwise than it should'}"
                        )
                        cells = [*(cell for cell in cells if cell), "FAILED"]
                    print_row([way.title if language == "C" else "", language, *cells])
        finally:
            server.terminate()
    for failure in failures:
        print("FAILED", failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
