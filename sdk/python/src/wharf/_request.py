"""A request as the operations say it, and what every try of it carries."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from ._codec import encode, moment

#: Seconds after which a silent server is given up: it answers within 30 itself, within 300 where a file is on its way.
USUAL_SECONDS = 35.0
FILES_SECONDS = 310.0


def path(template: str, *values: str) -> str:
    """The path with these values in its places, escaped."""
    return template.format(*(quote(value, safe="") for value in values))


@dataclass
class Request:
    """What is asked, the same at every try: what makes something new takes a key, and what takes none makes nothing new."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    takes_key: bool = False
    """Whether it takes an `Idempotency-Key`; one is made here, so that every try has the same."""
    idempotency_key: str | None = None
    patience: Literal["usual", "files"] = "usual"
    login: bool = False
    """Whether it is about a log-in: the cookie goes with it, and no key."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.takes_key and self.idempotency_key is None:
            self.idempotency_key = str(uuid.uuid4())

    @property
    def seconds(self) -> float:
        """How long an answer may take, in seconds."""
        wait = self.query.get("wait")
        return (FILES_SECONDS if self.patience == "files" else USUAL_SECONDS) + float(wait or 0)

    def parameters(self) -> dict[str, str]:
        """The query as text, without what is not said."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}

    def json(self) -> Any:
        """The body. In a change `None` says something."""
        return None if self.body is None else encode(self.body, keep_null=self.method == "PATCH")

    def with_query(self, **more: Any) -> Request:
        """The same request, and these words of its query."""
        return Request(self.method, self.path, query={**self.query, **more}, body=self.body, patience=self.patience)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return moment(value) if isinstance(value, datetime) else str(value)
