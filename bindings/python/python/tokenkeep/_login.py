"""A person logs in at this machine: with their browser, or with a code on another device."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from ._tokenkeep import look

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._tokenkeep import Client, Consent, Token

# How long a person may take, in seconds.
_PATIENCE = 300.0


def login(
    client: Client, open_browser: bool, show: Callable[[str], object] | None, timeout: float | None
) -> Token:
    """Do what `Client.login` says."""
    with client.consent() as consent:
        _invite(consent, open_browser, show or print)
        return consent.wait(_PATIENCE if timeout is None else timeout)


async def login_async(
    client: Client, open_browser: bool, show: Callable[[str], object] | None, timeout: float | None
) -> Token:
    """Do what `Client.login_async` says. What may ask the vendor or start a browser does so on a thread."""
    with await client.consent_async() as consent:
        await asyncio.to_thread(_invite, consent, open_browser, show or print)
        return await consent.wait_async(_PATIENCE if timeout is None else timeout)


def _invite(consent: Consent, open_browser: bool, show: Callable[[str], object]) -> None:
    """Bring the person to the vendor's page; nobody is sent there in vain."""
    look(consent)
    if consent.user_code is not None:
        show(f"Log in at {consent.url}\nand enter or compare the code {consent.user_code}")
    elif open_browser and _open(consent.url):
        show(f"Log in with your browser, which has been opened. If it has not, go to {consent.url}")
    else:
        show(f"Log in with a browser on this machine at {consent.url}")


def _open(url: str) -> bool:
    """Open the system's browser; not one that would run in this terminal."""
    elsewhere = sys.platform in ("darwin", "win32")
    if not elsewhere and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")):
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
