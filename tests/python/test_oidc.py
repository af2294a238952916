"""The same against a real authorization server, which is OpenID certified, and strict."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import tokenkeep

from oidc import AuthorizationServer, Person
from person import get

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oidc import Registration

THREADS = 4


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    if not (shutil.which("node") and shutil.which("npm")):
        # make test-python has named it.
        assert os.environ.get("TOKENKEEP_NO_SKIP") != "1"
        pytest.skip("there is no Node")
    server = AuthorizationServer()
    yield server
    server.close()


def consented(registration: Registration) -> tokenkeep.Client:
    """Make a client whose person has said yes."""
    client = registration.client()
    with client.consent() as consent:
        consent.finish(Person().says_yes(consent.url))
    return client


@pytest.mark.parametrize("kind", ["basic", "post", "client_secret_jwt", "private_key_jwt"])
def test_a_program_gets_a_token_of_its_own(server: AuthorizationServer, kind: str) -> None:
    registration = server.register(kind)
    client = registration.client()
    assert server.is_alive(client.token().value)
    assert client.token() is client.token()
    assert len(registration.asked("token")) == 1


def test_an_id_and_a_secret_of_odd_letters_are_form_encoded(server: AuthorizationServer) -> None:
    registration = server.register("basic", client_id="weird:id +%py", client_secret="SANDBOX-SECRET:+%/")
    assert server.is_alive(registration.client().token().value)
    with pytest.raises(tokenkeep.ConfigError, match="not properly encoded"):
        registration.client(basic_encoding="raw").token()


@pytest.mark.parametrize("kind", ["native", "web"])
def test_the_whole_way(server: AuthorizationServer, kind: str) -> None:
    registration = server.register(kind)
    client = registration.client()
    with pytest.raises(tokenkeep.ConsentRequired):
        client.token()
    registration.set_lifetime(2)
    with client.consent() as consent:
        first = consent.finish(Person().says_yes(consent.url))
    assert first.scope == "openid offline_access read"
    registration.set_lifetime(3600)
    while client.peek() is not None:
        time.sleep(0.05)

    second = client.token()
    assert second.value != first.value
    assert server.is_alive(second.value)
    assert registration.refreshes() == 1

    refresh_token = registration.newest("refresh_token")
    assert server.is_alive(refresh_token)
    client.revoke()
    assert not server.is_alive(second.value)
    assert not server.is_alive(refresh_token)
    with pytest.raises(tokenkeep.ConsentRequired):
        client.token()


ENDPOINTS = ("authorize_url", "token_url", "revoke_url")


def test_the_issuer_is_all_that_a_program_must_know(server: AuthorizationServer) -> None:
    registration = server.register("web")
    for endpoint in ENDPOINTS:
        del registration.settings[endpoint]
    client = consented(registration)
    token = client.token()
    assert server.is_alive(token.value)
    client.revoke()
    assert not server.is_alive(token.value)


def test_an_id_token_is_handed_out_as_the_server_made_it(server: AuthorizationServer) -> None:
    registration = server.register("web")
    token = consented(registration).token()
    assert token.id_token is not None
    _, claims, _ = token.id_token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert said["iss"] == server.url
    assert said["aud"] == registration.settings["client_id"]
    assert said["sub"] == "ada"
    assert token.id_token not in repr(token)
    assert server.register("basic").client().token().id_token is None


def test_a_person_comes_back_to_this_machine(server: AuthorizationServer) -> None:
    client = server.register("native").client()
    with client.consent() as consent, ThreadPoolExecutor() as pool:
        page = pool.submit(lambda: get(Person().says_yes(consent.url)))
        bought = consent.wait(timeout=30)
        assert page.result().status == 200
    assert server.is_alive(bought.value)
    assert client.token() is bought


# Goes on with a consent that another process began.
RESUMED = """
import json, sys, tokenkeep
settings, sealed, back = json.load(sys.stdin)
client = tokenkeep.Client("oauth2", **settings)
client.resume(sealed).finish(back)
print(client.token().value)
"""


def test_a_consent_that_one_process_seals_is_finished_in_another(server: AuthorizationServer) -> None:
    registration = server.register("web")
    settings = {**registration.settings, "store_key": "5a" * 32}
    client = tokenkeep.Client("oauth2", **settings)
    with client.consent() as consent:
        resumed = json.dumps([settings, consent.seal(), Person().says_yes(consent.url)])
    there = subprocess.run(
        [sys.executable, "-c", RESUMED], input=resumed, capture_output=True, text=True, check=True, timeout=60
    )
    assert server.is_alive(there.stdout.strip())
    assert len(registration.asked("token")) == 1
    with pytest.raises(tokenkeep.ConsentRequired):
        client.token()


def test_a_person_who_turns_away_costs_no_request(server: AuthorizationServer) -> None:
    registration = server.register("native")
    with registration.client().consent() as consent:
        with pytest.raises(tokenkeep.ConsentRequired, match="End-User aborted interaction") as caught:
            consent.finish(Person().says_no(consent.url))
        assert caught.value.code == "access_denied"
        assert registration.asked("token") == []
        consent.finish(Person().says_yes(consent.url))


def test_a_yes_on_another_device_is_waited_for(server: AuthorizationServer) -> None:
    client = server.register("device").client()
    with client.consent() as consent:
        assert consent.user_code is not None
        assert consent.user_code in consent.url
        Person().allows_device(consent.url)
        bought = consent.wait()
    assert server.is_alive(bought.value)
    assert client.token() is bought


def test_a_no_on_another_device_ends_the_wait(server: AuthorizationServer) -> None:
    with server.register("device").client().consent() as consent:
        Person().refuses_device(consent.url)
        with pytest.raises(tokenkeep.ConsentRequired, match="said no") as caught:
            consent.wait()
    assert caught.value.code == "access_denied"


def test_threads_that_ask_at_once_send_one_refresh_and_keep_the_grant(server: AuthorizationServer) -> None:
    registration = server.register("native")
    client = consented(registration)
    client.rejected(client.token())
    barrier = threading.Barrier(THREADS)

    def ask(_: int) -> str:
        barrier.wait()
        return client.token().value

    with ThreadPoolExecutor(THREADS) as pool:
        values = set(pool.map(ask, range(THREADS)))
    assert len(values) == 1
    assert registration.refreshes() == 1
    assert server.is_alive(values.pop())
    assert server.is_alive(registration.newest("refresh_token"))


def test_tasks_that_ask_at_once_send_one_refresh_and_keep_the_grant(server: AuthorizationServer) -> None:
    registration = server.register("native")
    client = consented(registration)
    client.rejected(client.token())

    async def ask() -> list[tokenkeep.Token]:
        return await asyncio.gather(*(client.token_async() for _ in range(THREADS)))

    values = {token.value for token in asyncio.run(ask())}
    assert len(values) == 1
    assert registration.refreshes() == 1
    assert server.is_alive(registration.newest("refresh_token"))


def test_two_servers_are_not_mixed_up(server: AuthorizationServer) -> None:
    another = AuthorizationServer()
    registrations = [server.register("native"), another.register("native")]
    place = "http://127.0.0.1:49201/callback"
    consents = [registration.client(redirect_uri=place).consent() for registration in registrations]
    redirected = [Person().says_yes(consent.url) for consent in consents]
    for consent, elsewhere in zip(consents, reversed(redirected)):
        with pytest.raises(tokenkeep.ProtocolError, match="state"):
            consent.finish(elsewhere)
    # The person was sent to the other server, with a state that is right.
    here, there = (registration.settings["client_id"] for registration in registrations)
    url = consents[0].url.replace(server.url, another.url).replace(here, there)
    with pytest.raises(tokenkeep.ProtocolError, match="RFC 9207"):
        consents[0].finish(Person().says_yes(url))
    assert [registration.asked("token") for registration in registrations] == [[], []]
    another.close()
