"""An API that refuses every token, and says why."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# "The scope does not suffice", beside a challenge of another scheme, in one header or in two.
SCOPE = 'bEaReR error="insufficient_scope"'
CHALLENGES = {
    "in one header": [f'Basic realm="a, b", {SCOPE}'],
    "in two headers": ['Basic realm="a, b"', SCOPE],
}


class Refusal:
    """Its address, and how often it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked = 0


@contextmanager
def refusing(challenges: list[str]) -> Iterator[Refusal]:
    """Answer 401 to everything, with these values of WWW-Authenticate."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            refusal.asked += 1
            self.send_response(401)
            for challenge in challenges:
                self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The test's output stays clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        refusal = Refusal(f"http://127.0.0.1:{server.server_port}/")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield refusal
        server.shutdown()
