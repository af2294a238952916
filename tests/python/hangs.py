"""Ways in which a vendor keeps a renewal waiting: each phase of a request that can hang, for real."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from sandbox import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# For as long as the process.
_kept: list[socket.socket] = []


def settings() -> dict[str, dict[str, Any]]:
    """What clients of OAuth 2 are made with whose renewals get stuck, by what they get stuck in."""
    silent, common = serve(be_silent), {"client_id": "id", "client_secret": "SANDBOX-SECRET-id"}
    vendors: dict[str, dict[str, Any]] = {
        # The resolver that `preload` makes does not answer for it.
        "lookup": {"token_url": "https://vendor.invalid/token"},
        "connect": {"token_url": f"https://{full()}/token"},
        "handshake": {"token_url": f"https://{silent}/token"},
        "proxy": {"token_url": "https://vendor.example/token", "proxy": f"http://{silent}"},
        "answer": {"token_url": f"http://{silent}/token"},
        "slow body": {"token_url": f"http://{serve(trickle)}/token"},
    }
    return {name: {**common, **vendor} for name, vendor in vendors.items()}


def preload(directory: Path) -> dict[str, str]:
    """Make the environment in which no name below .invalid is ever resolved."""
    library = directory / "hanging_names.so"
    source = ROOT / "tests" / "support" / "hanging_names.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)  # noqa: S607
    return {"LD_PRELOAD": str(library)}


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"{host}:{port}"


def full() -> str:
    """Give a port whose queue is full: whoever connects gets no answer."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    _kept.append(listener)
    while True:
        try:
            _kept.append(socket.create_connection(listener.getsockname(), timeout=0.2))
        except TimeoutError:
            return address(listener)


def serve(answer: Callable[[socket.socket], None]) -> str:
    """Give a port where each connection is answered like this."""
    listener = socket.create_server(("127.0.0.1", 0))
    _kept.append(listener)

    def run() -> None:
        while True:
            connection, _ = listener.accept()
            _kept.append(connection)
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    return address(listener)


def be_silent(_: socket.socket) -> None:
    pass


def trickle(connection: socket.socket) -> None:
    """Answer for ever, a byte a second."""
    try:
        connection.recv(4096)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{"
        )
        while True:
            time.sleep(1)
            connection.sendall(b" ")
    except OSError:
        pass
