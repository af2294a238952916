"""PINK's code flow: a person's consent, the renewal after it, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tokenkeep

from person import visit

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.fixture
def pink(sandbox: Sandbox) -> tokenkeep.Client:
    return sandbox.client("pink", grant="authorization_code", redirect_uri="https://app.example/callback")


def test_the_whole_way(sandbox: Sandbox, pink: tokenkeep.Client) -> None:
    with pytest.raises(tokenkeep.ConsentRequired):
        pink.token()
    with pink.consent() as consent:
        token = consent.finish(visit(consent.url))
    assert pink.token() is token
    assert sandbox.get(sandbox.resource("pink"), token.headers) == 200

    sandbox.revoke("pink")
    pink.rejected(token)
    renewed = pink.token()
    assert renewed.value != token.value
    assert sandbox.get(sandbox.resource("pink"), renewed.headers) == 200

    pink.revoke()
    with pytest.raises(tokenkeep.ConsentRequired):
        pink.token()


def test_it_succeeds_once(pink: tokenkeep.Client) -> None:
    consent = pink.consent()
    redirected = visit(consent.url)
    consent.finish(redirected)
    with pytest.raises(tokenkeep.Error):
        consent.finish(redirected)


def test_somebody_elses_answer_is_refused(sandbox: Sandbox, pink: tokenkeep.Client) -> None:
    consent = pink.consent()
    forged = visit(pink.consent().url)
    with pytest.raises(tokenkeep.Error, match="state"):
        consent.finish(forged)
    assert sandbox.count("pink/token") == 0


def test_a_person_may_say_no(sandbox: Sandbox, pink: tokenkeep.Client) -> None:
    sandbox.switch("pink", deny_consent=True)
    consent = pink.consent()
    with pytest.raises(tokenkeep.Error) as caught:
        consent.finish(visit(consent.url))
    assert caught.value.code == "access_denied"


def test_leaving_the_block_cancels(pink: tokenkeep.Client) -> None:
    with pink.consent() as consent:
        redirected = visit(consent.url)
    with pytest.raises(tokenkeep.InvalidArgumentError, match="cancelled"):
        consent.finish(redirected)


def test_its_repr_does_not_show_the_state(pink: tokenkeep.Client) -> None:
    assert repr(pink.consent()) == "<tokenkeep.Consent provider='pink'>"
