"""One sentence for each code, for people who know nothing of this API.

Braces are places that the details fill. They are English; hand `translate` to `friendly` for another language: the keys of its table are
the sentences themselves, as gettext has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Details

SENTENCES: dict[str, str] = {
    "invalid_api_key": "This app is not signed in to the messaging service: its key is not accepted.",
    "missing_api_key": "This app is not signed in to the messaging service.",
    "expired_api_key": "This app's access to the messaging service has ended and must be renewed.",
    "insufficient_permissions": "This app is not allowed to do that.",
    "session_not_found": "That WhatsApp number is not set up here.",
    "session_not_connected": "WhatsApp is not connected at the moment. Link the phone, or wait a little.",
    "session_limit_reached": "No further WhatsApp number can be added on this plan.",
    "qr_code_expired": "The QR code is too old. Ask for a new one and scan it soon.",
    "session_disconnected": "The phone is no longer linked. Scan a new QR code to link it again.",
    "invalid_phone_number": "That is not a phone number. Write it with its country code, such as +1 415 555 2671.",
    "recipient_not_on_whatsapp": "Nobody uses WhatsApp on that number.",
    "message_too_long": "The message is too long: {actual} characters, and {limit} are allowed.",
    "media_size_exceeded": "The file is too large.",
    "invalid_media_type": "That kind of file cannot be sent this way.",
    "media_url_inaccessible": "The file could not be fetched from its address.",
    "message_not_found": "That message does not exist, or no longer.",
    "message_sending_failed": "WhatsApp did not take the message.",
    "daily_message_limit_reached": "Today's messages are used up. Sending works again tomorrow.",
    "invalid_webhook_url": "That address cannot receive notifications.",
    "webhook_url_unreachable": "The address for notifications cannot be reached.",
    "webhook_response_timeout": "The address for notifications takes too long to answer.",
    "invalid_webhook_event": "There is no notification of that kind.",
    "rate_limit_exceeded": "Too much at once. Please try again in a moment.",
    "concurrent_request_limit_exceeded": "Too much at the same time. Please try again in a moment.",
    "invalid_request": "That could not be understood.",
    "missing_required_parameter": "Something is missing: {field}.",
    "invalid_parameter_type": "Something was filled in wrongly: {field}.",
    "resource_not_found": "That does not exist, or no longer.",
    "method_not_allowed": "That cannot be done here.",
    "internal_server_error": "Something went wrong at the messaging service. Please try again.",
    "service_unavailable": "The messaging service cannot be reached for the moment. Please try again soon.",
    "conflict": "That is not possible as things stand now.",
    "idempotency_key_in_use": "This is being done already. Please wait a moment.",
    "idempotency_key_reused": "This was asked for before with other words.",
    "unsupported_operation": "WhatsApp does not allow that here.",
    "network_error": "There is no connection to the messaging service. Please check it and try again.",
    "unexpected_answer": "The messaging service gave an answer that makes no sense.",
    "wait_timeout": "It takes longer than expected.",
    "configuration_error": "This app is not set up correctly for the messaging service.",
    "invalid_signature": "This notification does not come from the messaging service.",
}
#: What is said where a code is not known, or the details do not fill its sentence.
FALLBACK = "Something went wrong. Please try again."
_WITHOUT_DETAILS: dict[str, str] = {
    "message_too_long": "The message is too long.",
    "missing_required_parameter": "Something is missing.",
    "invalid_parameter_type": "Something was filled in wrongly.",
}


def friendly(code: str, details: Details, translate: Callable[[str], str] | None = None) -> str:
    """The sentence of a code, in the language of `translate`, with its places filled."""
    sentence = SENTENCES.get(code, FALLBACK)
    places = {"field": details.field, "limit": details.limit, "actual": details.actual}
    if any("{" + name + "}" in sentence and value is None for name, value in places.items()):
        sentence = _WITHOUT_DETAILS.get(code, FALLBACK)
    return (translate(sentence) if translate else sentence).format(**places)
