"""What can go wrong: a class for each group of codes, and one for each failure that is none of the server's.

```python
try:
    wharf.messages.send_text(session_id=session, to=number, text="Hello")
except SessionError as error:
    if error.code == "session_not_connected":
        ...
except WharfError as error:
    print(error.friendly())
```
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, ClassVar

from ._codec import decode
from ._codes import (
    CODES,
    AdditiveCode,
    AuthenticationCode,
    GeneralCode,
    MessageCode,
    RateLimitingCode,
    Row,
    SessionCode,
    WebhookCode,
)
from .models import Details, Message
from .sentences import friendly

#: Of these groups and codes a repeat helps without anybody's doing; what WhatsApp or another server refused is the caller's to decide.
_REPEATED = {"rate_limit_exceeded", "concurrent_request_limit_exceeded", "idempotency_key_in_use", "internal_server_error", "service_unavailable"}


class WharfError(Exception):
    """Everything that this library raises for a call that did not succeed."""

    code: str = "unknown"
    retryable: bool = False
    details: Details = Details()

    def friendly(self, translate: Callable[[str], str] | None = None) -> str:
        """A sentence for people who know nothing of this API. `translate` takes the English sentence, with its places in braces, to
        another language: `gettext.gettext`, or the `get` of a table."""
        return friendly(self.code, self.details, translate)


class ApiError(WharfError):
    """The server refused, and said why. Codes that this version does not know are raised as this class itself."""

    group: ClassVar[str] = ""

    def __init__(self, code: str, message: str, *, http_status: int, details: Details, request_id: str | None, retry_after: float | None, help_url: str):
        super().__init__(f"{code}: {message}" + (f" ({details.reason})" if details.reason else ""))
        row = CODES.get(code)
        self.code = code
        self.message = message
        """The server's own sentence, in English, for developers."""
        self.http_status = http_status
        self.details = details
        """`field`, `reason`, `limit`, `actual`, `message_id`, `reset_at`, as far as they apply."""
        self.request_id = request_id
        """What the operator finds the request by."""
        self.retry_after = retry_after
        """Seconds to wait before the next try, where the server says so."""
        self.retryable = row is not None and row.retry != "no"
        """Whether the same request can succeed later; `retry` says when."""
        self.retry = row.retry if row else "no"
        """`no`, `soon`, `after` so many seconds, `next_day` at `details.reset_at`, `once_connected`."""
        self.fix = row.fix if row else ""
        """What to do about it, for developers."""
        self.help_url = help_url
        """The entry of the code in the server's own reference."""

    @property
    def repeats_itself(self) -> bool:
        """Whether the client asks again by itself."""
        return self.code in _REPEATED


class AuthenticationError(ApiError):
    """The key is missing, wrong, expired, or may not do this."""

    group = "authentication"
    code: AuthenticationCode


class SessionError(ApiError):
    """The session is not there, not connected, not linked any more, or one too many."""

    group = "session"
    code: SessionCode


class MessageError(ApiError):
    """The message cannot be sent as it is, or was refused by WhatsApp."""

    group = "message"
    code: MessageCode


class WebhookError(ApiError):
    """The webhook's address or events are not what they should be."""

    group = "webhook"
    code: WebhookCode


class RateLimitError(ApiError):
    """Too many calls a minute, or too many at the same time."""

    group = "rate_limiting"
    code: RateLimitingCode


class GeneralError(ApiError):
    """The request is malformed, names what is not there, or met a server in trouble."""

    group = "general"
    code: GeneralCode


class StateError(ApiError):
    """The request does not fit the state of what it is about (409, 422)."""

    group = "additive"
    code: AdditiveCode


class NetworkError(WharfError):
    """No answer came: the server was not reached, or the connection broke. `__cause__` has httpx's own exception."""

    code = "network_error"
    retryable = True


class UnexpectedAnswerError(WharfError):
    """An answer came that is not Wharf's, such as a proxy's page."""

    code = "unexpected_answer"

    def __init__(self, message: str, *, http_status: int, body: bytes = b""):
        super().__init__(message)
        self.http_status = http_status
        self.body = body
        self.retryable = http_status in (502, 503, 504)


class MessageFailedError(WharfError):
    """A message that was accepted has failed. Its code is that of the failure."""

    def __init__(self, message: Message):
        error = message.error
        super().__init__(f"{message.message_id} failed: {error.reason or error.code if error else 'for no reason told'}")
        self.code = error.code if error else "message_sending_failed"
        self.message = message
        self.details = Details(message_id=message.message_id, reason=error.reason if error else None)


class ConfigurationError(WharfError):
    """What the client or a call was given cannot be meant or cannot be sent: an address, a key, a header. Nothing was sent."""

    code = "configuration_error"

    def __init__(self, message: str, option: str):
        super().__init__(message)
        self.option = option
        """The argument, the variable of the environment or the header that is meant."""


class WaitTimeoutError(WharfError):
    """What was waited for did not happen in time. It still can."""

    code = "wait_timeout"
    retryable = True

    def __init__(self, message: str, last: Any):
        super().__init__(message)
        self.last = last
        """How it stood when it was last looked at."""


class SignatureError(WharfError):
    """A delivery that is not signed by the webhook's secret, or is too old."""

    code = "invalid_signature"


_CLASSES: dict[str, type[ApiError]] = {
    kind.group: kind for kind in (AuthenticationError, SessionError, MessageError, WebhookError, RateLimitError, GeneralError, StateError)
}


def from_answer(http_status: int, headers: Mapping[str, str], answer: Any, body: bytes, base_url: str) -> WharfError:
    """The exception for an answer that is no success; `answer` is its JSON, where it is JSON."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping) or not isinstance(error.get("code"), str):
        return UnexpectedAnswerError(f"an answer that is not Wharf's: HTTP {http_status}", http_status=http_status, body=body[:4096])
    details = decode(Details, error.get("details") or {})
    code = error["code"]
    row: Row | None = CODES.get(code)
    return _CLASSES.get(row.group if row else "", ApiError)(
        code,
        str(error.get("message", "")),
        http_status=http_status,
        details=details,
        request_id=headers.get("x-request-id"),
        retry_after=_retry_after(headers, details),
        help_url=f"{base_url}/docs#error-{code}",
    )


def _retry_after(headers: Mapping[str, str], details: Details) -> float | None:
    told = headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    if details.retry_after is not None:
        return float(details.retry_after)
    if details.reset_at is not None:
        return max(0.0, (details.reset_at - datetime.now(timezone.utc)).total_seconds())
    return None
