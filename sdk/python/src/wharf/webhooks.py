"""Deliveries to your server: whether they come from Wharf, and what they tell."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence

from ._codec import decode_event
from .errors import SignatureError
from .models import Event

#: How many seconds the clocks may differ, and a delivery may be old.
TOLERANCE_SECONDS = 300


def verify(body: bytes | str, headers: Mapping[str, str], secret: str | Sequence[str], *, now: float | None = None) -> Event:
    """The event of a delivery whose signature holds, by the Standard Webhooks scheme.

    Args:
        body: The bytes as they came, before anybody parses them.
        headers: The request's headers; letter case does not matter.
        secret: The webhook's secret (`whsec_…`), or several while you replace it.
        now: Seconds since 1970, unless the clock is asked.

    Raises:
        SignatureError: A header is missing, no signature fits, or the delivery is more than five minutes off. Answer 400 and do nothing.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        number, sent, signatures = (lower[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as missing:
        raise SignatureError(f"the header {missing.args[0]} is missing") from None
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if not sent.isascii() or not sent.isdigit():
        raise SignatureError("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(sent)) > TOLERANCE_SECONDS:
        raise SignatureError("the delivery is more than five minutes off: an old one that comes again, or a clock that is wrong")
    signed = f"{number}.{sent}.".encode() + raw
    expected = [_signature(one, signed) for one in ([secret] if isinstance(secret, str) else secret)]
    told = [one[3:].encode() for one in signatures.split(" ") if one.startswith("v1,")]
    # All are compared, whether or not one fits: how long it takes says nothing.
    if not any([hmac.compare_digest(one, other) for one in expected for other in told]):
        raise SignatureError("no signature fits: another secret, or a body that is not as it came")
    event: Event = decode_event(json.loads(raw))
    return event


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is whsec_ and Base64, as Wharf shows it once") from None
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
