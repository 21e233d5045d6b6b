"""When a request is tried again, and after which pause."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ._request import Request, path
from .errors import ApiError, WharfError
from .models import Session


@dataclass(frozen=True)
class Retry:
    """How often a request is tried again, and how long the pauses are. All times are seconds.

    A server that names a pause (`Retry-After`) is obeyed; otherwise the pauses double, each drawn between its half and its whole, so that
    many clients do not come back in the same moment.
    """

    tries: int = 10
    """At the most, the first among them; 1 never tries again."""
    first_pause: float = 0.25
    longest_pause: float = 8.0
    longest_retry_after: float = 90.0
    """A server that names a longer pause is not waited for: its refusal is raised at once."""

    def pause(self, error: WharfError, tried: int, *, coming: bool = False) -> float | None:
        """The seconds until the next try; None where there is none. `coming`: what it was refused for is on its way."""
        if tried >= self.tries or not (coming or _may_repeat(error)):
            return None
        told = error.retry_after if isinstance(error, ApiError) else None
        grown = min(self.longest_pause, self.first_pause * 2.0 ** (tried - 1)) * random.uniform(0.5, 1.0)
        if told is None:
            return grown
        return None if told > self.longest_retry_after else told + min(grown, 1.0)


def asks_for_session(request: Request, error: WharfError) -> Request | None:
    """The question whether the session of a refused send is on its way, as it is for a moment after the server has begun anew. Where it
    waits for somebody's scan no repeat helps."""
    session_id = (request.body or {}).get("sessionId")
    if error.code != "session_not_connected" or not isinstance(session_id, str):
        return None
    return Request("GET", path("/v1/sessions/{}", session_id))


def is_on_its_way(session: Session) -> bool:
    """Whether it will be connected without anybody's doing."""
    return session.waiting_for is None and session.status in ("starting", "connecting", "connected", "reconnecting")


def _may_repeat(error: WharfError) -> bool:
    return error.repeats_itself if isinstance(error, ApiError) else error.retryable
