"""The exceptions, one for each status of the C interface, by what the caller can do about it."""

from __future__ import annotations


class Error(Exception):
    """What every error of tokenkeep is.

    The message says what was asked, of whom, what came back and what to do. It never holds a secret. An error
    can be pickled, with all that it knows.

    Attributes:
        status (str): the status of the C interface, such as "DENIED".
        is_retryable (bool): whether the same call may succeed later without anybody mending anything.
        http_status (int | None): the HTTP status of the vendor's answer, if there was one.
        code (str | None): the vendor's own code, such as "invalid_grant" or "unauthorized".
        retry_after (float | None): seconds to wait before asking again can help, if that is known.

    Example:
        >>> try:
        ...     token = wrong.token()
        ... except tokenkeep.Error as error:
        ...     print(error.status, error.http_status, error.is_retryable)
        DENIED 401 False
    """

    status: str = "INTERNAL"
    is_retryable: bool = False
    http_status: int | None = None
    code: str | None = None
    retry_after: float | None = None


class InvalidArgumentError(Error, ValueError):
    """A call was made wrongly. Mend the program."""

    status = "INVALID_ARGUMENT"


class ConfigError(Error, ValueError):
    """The settings are wrong. All their faults are listed in the message."""

    status = "CONFIG"


class NetworkError(Error, ConnectionError):
    """The vendor could not be reached. Asking again may help."""

    status = "NETWORK"
    is_retryable = True


class TlsError(Error, OSError):
    """No trusted, encrypted connection could be made. Check the certificate authorities."""

    status = "TLS"


class TokenTimeout(Error, TimeoutError):
    """The deadline passed. The renewal may still succeed for a later call."""

    status = "TIMEOUT"
    is_retryable = True


class Cancelled(Error):
    """The client was closed. A cancelled task gets asyncio's own CancelledError instead."""

    status = "CANCELLED"


class Denied(Error, PermissionError):
    """The vendor refused the credentials. Asking again with the same ones will not help."""

    status = "DENIED"


class ConsentRequired(Error):
    """A person must say yes (again); see `Client.consent`."""

    status = "CONSENT_REQUIRED"


class RateLimited(Error):
    """The vendor asks to slow down; see `retry_after`."""

    status = "RATE_LIMITED"
    is_retryable = True


class ServerError(Error):
    """The vendor failed. Asking again may help."""

    status = "SERVER"
    is_retryable = True


class ProtocolError(Error):
    """The answer is not what the scheme promises."""

    status = "PROTOCOL"


class Rejected(Error):
    """The token was refused, and asking for another will not help."""

    status = "REJECTED"


class StoreError(Error, OSError):
    """The store of grants cannot be used, or using it would lose a refresh token."""

    status = "STORE"


class WouldBlock(Error, BlockingIOError):
    """No usable token is cached, and the call was not allowed to wait for one."""

    status = "WOULD_BLOCK"


class BufferTooSmall(Error):
    """The buffer is too small. Python has no such call; the class is here for completeness."""

    status = "BUFFER_TOO_SMALL"


class Reentrant(Error, RuntimeError):
    """The library was called from within one of its own callbacks."""

    status = "REENTRANT"


class Unsupported(Error, NotImplementedError):
    """The vendor or this build does not offer what was asked."""

    status = "UNSUPPORTED"


class InternalError(Error, RuntimeError):
    """A fault in tokenkeep itself. Please report it."""

    status = "INTERNAL"


_BY_STATUS = {kind.status: kind for kind in Error.__subclasses__()}

# They are found in the package, so that is where a traceback and a pickle look for them.
for _kind in (Error, *_BY_STATUS.values()):
    _kind.__module__ = "tokenkeep"
del _kind


def of_status(
    status: str, message: str, http_status: int | None, code: str | None, retry_after: float | None
) -> Error:
    """Make the exception for one of the core's errors; a status that is new to this file is a plain Error."""
    error = _BY_STATUS.get(status, Error)(message)
    error.status = status
    error.http_status = http_status
    error.code = code
    error.retry_after = retry_after
    return error
