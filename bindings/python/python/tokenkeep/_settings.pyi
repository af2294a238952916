# The settings as keyword arguments, for type checkers alone: there is no such module at run time.

from os import PathLike
from typing import Literal, TypedDict

from typing_extensions import TypeAlias

from ._store import Store

_Path: TypeAlias = str | PathLike[str]
_Words: TypeAlias = str | list[str] | tuple[str, ...]
_OnOff: TypeAlias = bool | Literal["on", "off", "yes", "no"]
_Kind: TypeAlias = Literal["memory", "file", "redis"]

# All but the store.
class _Settings(TypedDict, total=False):
    # Which
    environment: str | None
    base_url: str | None
    account: str | None
    api_hosts: _Words | None

    # A given token
    access_token: str | None
    access_token_env: str | None
    access_token_file: _Path | None
    access_token_command: _Words | None

    # Acquired.com
    app_id: str | None
    app_key: str | None
    app_key_env: str | None
    app_key_file: _Path | None
    app_key_command: _Words | None
    app_key_previous: str | None
    app_key_previous_env: str | None
    app_key_previous_file: _Path | None
    app_key_previous_command: _Words | None
    company_id: str | None
    mid: str | None

    # Frederick
    api_key: str | None
    api_key_env: str | None
    api_key_file: _Path | None
    api_key_command: _Words | None
    api_key_previous: str | None
    api_key_previous_env: str | None
    api_key_previous_file: _Path | None
    api_key_previous_command: _Words | None
    email: str | None
    password: str | None
    password_env: str | None
    password_file: _Path | None
    password_command: _Words | None
    password_previous: str | None
    password_previous_env: str | None
    password_previous_file: _Path | None
    password_previous_command: _Words | None
    location_id: str | None
    acts_as: Literal["location", "user"] | None
    user_token_url: str | None
    location_token_url: str | None

    # OAuth 2
    grant: (
        Literal["access_token", "authorization_code", "client_credentials", "device_code", "refresh_token"]
        | None
    )
    client_id: str | None
    client_secret: str | None
    client_secret_env: str | None
    client_secret_file: _Path | None
    client_secret_command: _Words | None
    client_secret_previous: str | None
    client_secret_previous_env: str | None
    client_secret_previous_file: _Path | None
    client_secret_previous_command: _Words | None
    client_auth: Literal["basic", "post", "none", "private_key_jwt", "client_secret_jwt", "tls"] | None
    basic_encoding: Literal["form", "raw"] | None
    assertion_key: str | None
    assertion_key_env: str | None
    assertion_key_file: _Path | None
    assertion_key_command: _Words | None
    assertion_key_previous: str | None
    assertion_key_previous_env: str | None
    assertion_key_previous_file: _Path | None
    assertion_key_previous_command: _Words | None
    assertion_key_id: str | None
    assertion_algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] | None
    assertion_audience: str | None
    issuer: str | None
    metadata_issuer: str | None
    authorize_url: str | None
    token_url: str | None
    device_url: str | None
    revoke_url: str | None
    redirect_uri: str | None
    scope: _Words | None
    audience: str | None
    resource: _Words | None
    refresh_token: str | None
    refresh_token_env: str | None
    refresh_token_file: _Path | None
    refresh_token_command: _Words | None
    refresh_rotates: _OnOff | None
    authorize_extra: str | None
    token_extra: str | None
    login_hint: str | None

    # How it is sent
    placement: Literal["header", "query"] | None
    query_parameter: str | None

    # Freshness
    refresh_early: float | str | None
    default_lifetime: float | str | None
    background: _OnOff | None

    # Network
    timeout: float | str | None
    connect_timeout: float | str | None
    proxy: str | None
    proxy_env: str | None
    proxy_file: _Path | None
    proxy_command: _Words | None
    ca_file: _Path | None
    ca_roots: Literal["platform", "file"] | None
    client_cert_file: _Path | None
    client_key_file: _Path | None
    user_agent: str | None
    max_attempts: int | None

    # Store
    store_path: _Path | None
    store_url: str | None
    store_url_env: str | None
    store_url_file: _Path | None
    store_url_command: _Words | None
    store_ca_file: _Path | None
    store_client_cert_file: _Path | None
    store_client_key_file: _Path | None
    store_key: str | None
    store_key_env: str | None
    store_key_file: _Path | None
    store_key_command: _Words | None
    store_key_previous: str | None
    store_key_previous_env: str | None
    store_key_previous_file: _Path | None
    store_key_previous_command: _Words | None

class Settings(_Settings, total=False):
    store: _Kind | Store | None

# Of a client that is derived from another: a store of the program's own is given to the first.
class DerivedSettings(_Settings, total=False):
    store: _Kind | None
