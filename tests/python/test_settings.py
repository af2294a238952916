"""Settings as keyword arguments."""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pytest
import tokenkeep
from tokenkeep import _tokenkeep

if TYPE_CHECKING:
    from sandbox import Sandbox

PACKAGE = Path(tokenkeep.__file__).parent


def stub() -> dict[str, str]:
    """The settings of the stub, in its order, and their types as they stand there."""
    tree = ast.parse((PACKAGE / "_settings.pyi").read_text())
    aliases = [node for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
    types = {ast.unparse(alias.target): ast.unparse(alias.value) for alias in aliases if alias.value}
    fields: dict[str, ast.AnnAssign] = {}
    for kind in tree.body:
        if isinstance(kind, ast.ClassDef):
            body = [field for field in kind.body if isinstance(field, ast.AnnAssign)]
            fields |= {ast.unparse(field.target): field for field in body}
    named = {name: ast.unparse(field.annotation) for name, field in fields.items()}
    return {name: re.sub(r"\b_\w+", lambda alias: types[alias[0]], kind) for name, kind in named.items()}


def keywords_of_the_core() -> list[str]:
    names: list[str] = []
    for name, _, form, _ in _tokenkeep.settings():
        if name != "provider":  # the one that is not given by keyword
            suffixes = ("", "_env", "_file", "_command") if form.startswith("secret") else ("",)
            names += [name + suffix for suffix in suffixes]
    return names


def test_the_stub_names_every_setting_in_the_order_of_the_docs() -> None:
    # Of `store`, which comes last there, are two: a client that is derived from another takes no object.
    *others, store = stub()
    assert store == "store"
    assert others == [name for name in keywords_of_the_core() if name != store]


def test_the_stub_takes_every_word_that_the_docs_name() -> None:
    for name, _, form, _ in _tokenkeep.settings():
        words = re.findall(r"[\w]+", form) if ", " in form else []
        for word in words:
            assert repr(word) in stub()[name], f"{name} = {word}"
        assert bool(words) == ("Literal" in stub().get(name, "")), name


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(tokenkeep.ConfigError) as caught:
        tokenkeep.Client("acquired", app_idd="12345678", timeout="soon")  # type: ignore[call-arg]
    for word in ("app_id", "app_key", "timeout"):
        assert word in str(caught.value)


def test_values_of_every_kind(sandbox: Sandbox) -> None:
    client = sandbox.client(
        "acquired",
        timeout=2.5,
        connect_timeout=5,
        background=True,
        api_hosts=["127.0.0.1", "api.example"],
        ca_file=None,
    )
    assert client.token().value
    assert client.may_send_to(f"{sandbox.url}/x")
    assert client.may_send_to("https://api.example/x")
    assert not client.may_send_to("http://api.example/x")
    assert not client.may_send_to("https://other.example/x")


@pytest.mark.parametrize("value", [object(), b"text", {"a": 1}, [1], ["a", b"b"]])
def test_a_value_of_the_wrong_type_is_named_and_not_shown(value: Any) -> None:
    with pytest.raises(TypeError, match="app_key must be") as caught:
        tokenkeep.Client("acquired", app_id="12345678", app_key=value)
    assert repr(value) not in str(caught.value)


def test_text_that_is_no_unicode_is_not_repeated() -> None:
    with pytest.raises(tokenkeep.InvalidArgumentError, match="app_key") as caught:
        tokenkeep.Client("acquired", app_id="12345678", app_key="hush\udc80")
    assert "hush" not in repr(caught.value)
    assert caught.value.__context__ is None


def test_the_provider_is_a_setting_like_the_others() -> None:
    assert tokenkeep.Client(provider="acquire", access_token="given").provider == "acquire"
    with pytest.raises(TypeError, match="provider"):
        tokenkeep.Client("acquire", provider="pink", access_token="given")  # type: ignore[misc]


def test_a_provider_that_is_given_as_a_path_is_a_file() -> None:
    its_own: dict[str, Any] = {"user": "gardener"}
    with pytest.raises(tokenkeep.ConfigError, match=r"provider file \./acquired cannot be used"):
        tokenkeep.Client(PurePath("acquired"), **its_own)
    with pytest.raises(TypeError, match="provider must be a str or a path"):
        tokenkeep.Client(7)  # type: ignore[arg-type]


def test_a_path_may_be_a_path() -> None:
    with pytest.raises(tokenkeep.ConfigError, match="no-such-file"):
        tokenkeep.Client("acquired", app_id="12345678", app_key_file=PurePath("/no-such-file")).token()
