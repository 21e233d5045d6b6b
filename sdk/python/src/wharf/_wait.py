"""How far a message has come, and what was waited for."""

from __future__ import annotations

import math
import time
from typing import Literal

from ._request import Request, path
from .errors import MessageFailedError, WaitTimeoutError
from .models import Message, Session

Goal = Literal["sent", "delivered", "read", "played"]

_STEPS = ("queued", "sent", "delivered", "read", "played")
#: Seconds that the server waits at once.
_LONG_POLL_SECONDS = 25


class Waiting:
    """A wait for a message, question after question."""

    def __init__(self, message: Message | str, goal: Goal, timeout: float):
        self._id = message if isinstance(message, str) else message.message_id
        self._goal = goal
        self._end = time.monotonic() + timeout

    def question(self) -> Request:
        """The next one: it is answered as soon as the message has come so far."""
        left = max(0, math.ceil(self._end - time.monotonic()))
        query = {"wait": min(left, _LONG_POLL_SECONDS), "until": self._goal}
        return Request("GET", path("/v1/messages/{}", self._id), query=query)

    def arrived(self, message: Message) -> bool:
        """Whether that is it; raises where it never will be, or not in time."""
        if message.status == "failed":
            raise MessageFailedError(message)
        if message.status in _STEPS and _STEPS.index(message.status) >= _STEPS.index(self._goal):
            return True
        if time.monotonic() >= self._end:
            raise WaitTimeoutError(f"{self._id} is {message.status}, and not {self._goal} yet", message)
        return False


class Linking:
    """A wait for a session, with pauses between the questions."""

    #: Seconds between two questions.
    pause = 0.5

    def __init__(self, session: Session | str, timeout: float):
        self._id = session if isinstance(session, str) else session.session_id
        self._end = time.monotonic() + timeout
        self.question = Request("GET", path("/v1/sessions/{}", self._id))

    def connected(self, session: Session) -> bool:
        """Whether it is; raises where it is not in time."""
        if session.status == "connected":
            return True
        if time.monotonic() >= self._end:
            raise WaitTimeoutError(f"{self._id} is {session.status}, and not connected yet", session)
        return False
