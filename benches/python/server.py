"""What a client must know of the token server, taken from the command line as name=value words.

Imports nothing, so that a program which is timed from its start pays for its own library only.
"""

from __future__ import annotations


class Server:
    """The token server and the credentials that it takes."""

    def __init__(self, words: list[str]) -> None:
        self.settings = dict(word.split("=", 1) for word in words)
        self.token_url = self.settings["token_url"]
        self.client_id = self.settings["client_id"]
        self.client_secret = self.settings["client_secret"]
        self.refresh_token = self.settings["refresh_token"]
        self.scope = self.settings["scope"]
