"""Wharf's API in Python: WhatsApp messages over a server of your own.

```python
from wharf import Wharf

with Wharf("http://127.0.0.1:8080", "KEY") as wharf:
    message = wharf.messages.send_text(session_id="ses_…", to="+1 555 000 1001", text="Hello")
    print(wharf.messages.wait_until(message, "read").status)
```
"""

from . import models
from ._codec import UNSET
from ._codes import CODES, ErrorCode
from ._retry import Retry
from ._version import __version__
from .client import AsyncWharf, Wharf
from .errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    GeneralError,
    MessageError,
    MessageFailedError,
    NetworkError,
    RateLimitError,
    SessionError,
    SignatureError,
    StateError,
    UnexpectedAnswerError,
    WaitTimeoutError,
    WebhookError,
    WharfError,
)
from .pages import AsyncPages, Page, Pages
from .sentences import SENTENCES
from .webhooks import verify

__all__ = [
    "CODES",
    "SENTENCES",
    "UNSET",
    "ApiError",
    "AsyncPages",
    "AsyncWharf",
    "AuthenticationError",
    "ConfigurationError",
    "ErrorCode",
    "GeneralError",
    "MessageError",
    "MessageFailedError",
    "NetworkError",
    "Page",
    "Pages",
    "RateLimitError",
    "Retry",
    "SessionError",
    "SignatureError",
    "StateError",
    "UnexpectedAnswerError",
    "WaitTimeoutError",
    "WebhookError",
    "Wharf",
    "WharfError",
    "__version__",
    "models",
    "verify",
]
