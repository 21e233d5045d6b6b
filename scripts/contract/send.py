"""A program as a user writes it, over the client that openapi-python-client makes of the document with its default options: sends a text,
waits until it was read, and handles three codes. `URL`, `KEY` and `SESSION` say where, as whom and from which phone."""

import os
import time

from wharf_client import AuthenticatedClient
from wharf_client.api.messages import get_message, send_text
from wharf_client.models import ErrorCode, Failure, Message, MessageAnswer, MessageStatus, SendText

client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["KEY"])
session = os.environ["SESSION"]


def send(to: str, text: str) -> Message | None:
    while True:
        answer = send_text.sync(client=client, body=SendText(session_id=session, to=to, text=text))
        if isinstance(answer, MessageAnswer):
            return answer.data
        assert isinstance(answer, Failure)
        error = answer.error
        if error.code == ErrorCode.SESSION_NOT_CONNECTED:
            print("link the phone first:", error.details.reason if error.details else "")
            return None
        if error.code == ErrorCode.RECIPIENT_NOT_ON_WHATSAPP:
            print("nobody there:", to)
            return None
        if error.code == ErrorCode.RATE_LIMIT_EXCEEDED:
            time.sleep(error.details.retry_after if error.details and error.details.retry_after else 1)
            continue
        raise RuntimeError(f"{error.code}: {error.message}")


def until_read(message: Message) -> MessageStatus:
    while message.status not in (MessageStatus.READ, MessageStatus.FAILED):
        time.sleep(0.2)
        shown = get_message.sync(message.message_id, client=client)
        assert isinstance(shown, MessageAnswer)
        message = shown.data
    return message.status


sent = send("15550001001", "typed")
if sent is not None:
    print(until_read(sent).value)
assert send("15550009999", "typed") is None
