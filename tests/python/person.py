"""The person who says yes: what their browser does, without one."""

from __future__ import annotations

import http.client
import re
import threading
from urllib.parse import urlsplit


def get(url: str) -> http.client.HTTPResponse:
    """Fetch a page of this machine's; a redirect is not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def visit(url: str) -> str:
    """Say yes at a consent's URL, and tell where that leads."""
    return get(url).headers["Location"]


def browse(url: str) -> None:
    """Say yes at a consent's URL on a thread of their own, and come back wherever that leads."""

    def follow() -> None:
        answer = get(url)
        if answer.status == 302:
            get(answer.headers["Location"])

    threading.Thread(target=follow).start()


def tell(text: str) -> None:
    """Do what a person does who is told to log in."""
    found = re.search(r"http://\S+", text)
    assert found, text
    browse(found[0])
