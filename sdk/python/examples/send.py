"""Sends a text, waits until it was read, and says in words what went wrong. WHARF_URL, WHARF_API_KEY, SESSION and TO say where and whom."""

import os
import sys

from wharf import MessageError, SessionError, Wharf, WharfError

with Wharf() as wharf:
    try:
        message = wharf.messages.send_text(session_id=os.environ["SESSION"], to=os.environ["TO"], text="Your order is on its way")
        print(wharf.messages.wait_until(message, "read").status)
    except SessionError as error:
        sys.exit(f"link the phone first: {error.details.reason or error.message}")
    except MessageError as error:
        sys.exit(f"{error.friendly()} ({error.code}, request {error.request_id})")
    except WharfError as error:
        sys.exit(error.friendly())
