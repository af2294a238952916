"""cold.py PEER name=value...: gets one token and ends. The whole process is timed, from outside."""

from __future__ import annotations

import sys
from importlib import import_module

from server import Server

import_module("peers." + sys.argv[1]).Holder(Server(sys.argv[2:]))
