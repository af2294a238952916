"""One way to get tokens, from first to last: get one, use it, outlive it, have it revoked.

    demo.py RESOURCE CONTROL VENDOR PROVIDER [NAME=VALUE ...]

Prints what happened, five words parted by tabs. demo/run.py runs it for every vendor of the sandbox.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request

import tokenkeep


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The redirect itself is what is wanted."""

    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def request(method: str, url: str, headers: dict[str, str]) -> tuple[int, str]:
    """The status and the Location of the answer."""
    body = b"{}" if method == "POST" else None
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with OPENER.open(asked, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("Location", "")


def need(good: bool, what: str) -> None:
    if not good:
        sys.exit(what)


def say_yes(client: tokenkeep.Client) -> None:
    """Where a person must say yes, the sandbox's authorization server does so at once."""
    try:
        consent = client.consent()
    except tokenkeep.Unsupported:
        return
    status, redirected = request("GET", consent.url, {})
    need(status == 302, "the consent page did not redirect")
    consent.finish(redirected)


def main(resource: str, control: str, vendor: str, provider: str, *settings: str) -> None:
    def call_resource(token: tokenkeep.Token) -> int:
        return request("GET", resource, token.headers)[0]

    client = tokenkeep.Client(provider, **dict(setting.split("=", 1) for setting in settings))
    say_yes(client)
    cells = []

    token = client.token()
    cells.append("yes")
    need(call_resource(token) == 200, "the resource did not take the token")
    cells.append("200")

    if token.expires_at is not None:
        time.sleep(max(0.0, token.expires_at.timestamp() - time.time()) + 0.05)
        need(call_resource(token) == 401, "the resource took an expired token")
        token = client.token()
        need(call_resource(token) == 200, "the resource did not take the renewed token")
        cells += ["401", "200"]
    else:
        cells += ["never does" if token.lifetime == "never" else "no end known", "not needed"]

    need(request("POST", f"{control}/vendors/{vendor}/revoke", {})[0] == 200, "the sandbox revoked nothing")
    need(call_resource(token) == 401, "the resource took a revoked token")
    try:
        client.rejected(token)
        need(call_resource(client.token()) == 200, "the resource did not take the new token")
        cells.append("recovered")
    except tokenkeep.Rejected:
        cells.append("told: do not ask again")
    print("\t".join(cells))


if __name__ == "__main__":
    main(*sys.argv[1:])
