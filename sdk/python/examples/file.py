"""Sends a file and tells how far it is. WHARF_URL, WHARF_API_KEY, SESSION and TO say where and whom; the path is the first argument."""

import os
import sys
from pathlib import Path

from wharf import Wharf


def told(done: int, size: int | None) -> None:
    """Done, in bytes, and all there are."""
    print(f"{done} of {size or '?'} bytes")


path = Path(sys.argv[1] if len(sys.argv) > 1 else "photo.png")
with Wharf() as wharf:
    stored = wharf.media.upload(path, progress=told)
    print(stored.media_type, stored.mime_type, stored.size_bytes)
    message = wharf.messages.send_media(
        session_id=os.environ["SESSION"], to=os.environ["TO"], media_type=stored.media_type, media_id=stored.media_id
    )
    print(wharf.messages.wait_until(message, "delivered").status)
