"""The stream of events as it comes: lines, events, and where to go on after a break."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from ._codec import decode_event
from ._request import Request
from ._retry import Retry
from .errors import WharfError
from .models import Event, EventChoice


class Lines:
    """Server-Sent Events out of bytes. Lines end at line feeds alone: JSON may hold other signs that Python would end a line at."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, part: bytes) -> list[Event]:
        """The events that are whole with this part."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        events = []
        for line in (line.rstrip(b"\r") for line in lines):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(decode_event(json.loads(b"\n".join(self._data))))
                self._data = []
        return events


class Position:
    """Which events are meant, and the last that was handled."""

    def __init__(self, events: Sequence[EventChoice], session_id: str | None, cursor: str | None, retry: Retry):
        self._query: dict[str, Any] = {"events": ",".join(events) or None, "sessionId": session_id}
        self.cursor = cursor
        # A listener has no last try: a server that is away comes back.
        self._retry = dataclasses.replace(retry, tries=2**31, longest_retry_after=float("inf"))
        self._tried = 0

    def latest(self) -> Request:
        """Asks for where the log ends now, so that nothing is missed between here and the first event."""
        return Request("GET", "/v1/events", query={"cursor": "latest", "limit": 1})

    def stream(self) -> Request:
        """Asks for everything after the last event that was handled."""
        query = {**self._query, "cursor": self.cursor}
        return Request("GET", "/v1/events", query=query, headers={"Accept": "text/event-stream"})

    def handled(self, event: Event) -> None:
        """The next stream begins after it."""
        self.cursor = event.event_id
        self._tried = 0

    def ended(self) -> float:
        """A stream ended in good order, as it does when the server stops: the seconds until the next."""
        return self._retry.first_pause

    def broken(self, error: WharfError) -> float | None:
        """A stream broke off or was refused: the seconds until the next, or None where a repeat does not help."""
        self._tried += 1
        return self._retry.pause(error, self._tried)
