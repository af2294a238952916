"""What importing the package does: next to nothing."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys

from tokenkeep import _tokenkeep

from sandbox import ROOT

HEADER = ROOT / "include" / "tokenkeep.h"


def test_import_loads_nothing_else_and_starts_no_thread() -> None:
    script = """
import os, sys
before = set(sys.modules)
descriptors = os.listdir("/proc/self/fd")
import tokenkeep
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] != "tokenkeep"))
print(len(os.listdir("/proc/self/task")), os.listdir("/proc/self/fd") == descriptors)
"""
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.splitlines() == ["['__future__']", "1 True"]


def test_a_token_needs_no_other_module_either() -> None:
    script = """
import sys
before = set(sys.modules)
import tokenkeep
client = tokenkeep.Client("acquire", access_token="given")
token = client.token()
token.value, token.headers, token.expires_in, token.lifetime, repr(token), repr(client), client.stats()
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] != "tokenkeep"))
"""
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == "['__future__']"


def test_the_extension_exports_no_c_interface() -> None:
    names = set(re.findall(r"\b(tokenkeep_\w+)\(", HEADER.read_text())) if HEADER.exists() else set()
    names |= {"tokenkeep_client_new", "tokenkeep_version"}
    extension = ctypes.CDLL(_tokenkeep.__file__)
    assert [name for name in sorted(names) if hasattr(extension, name)] == []
