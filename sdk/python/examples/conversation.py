"""Asks somebody something and waits for the answer, with its ticks growing. WHARF_URL, WHARF_API_KEY, SESSION and TO say where and whom."""

import os

from wharf import Wharf
from wharf.models import MessageReceivedEvent, MessageStatusEvent

wharf = Wharf()
with wharf.events.listen(["message.status", "message.received"], session_id=os.environ["SESSION"]) as events:
    question = wharf.messages.send_text(session_id=os.environ["SESSION"], to=os.environ["TO"], text="Shall we deliver tomorrow?")
    for event in events:
        match event:
            case MessageStatusEvent(data=message) if message.message_id == question.message_id:
                print("✓", message.status)
            case MessageReceivedEvent(data=message) if message.chat == question.chat:
                print("answer:", message.text)
                break
