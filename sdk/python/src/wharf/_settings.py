"""What a client is told once, and how an answer is opened. Shared by the one that waits and the one that is awaited."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from ._codec import Undecodable, decode
from ._given import address, checked, key, word
from ._request import Request
from ._retry import Retry
from ._version import __version__
from .errors import UnexpectedAnswerError, WharfError, from_answer
from .pages import Page

T = TypeVar("T")
log = logging.getLogger("wharf")

#: Where a server is that nobody named.
USUAL_URL = "http://127.0.0.1:8080"
#: Seconds in which the server must be reached.
CONNECT_SECONDS = 10.0
#: Seconds without a sign of life after which a stream is given up and begun anew: the server says every 15 that it lives.
STREAM_SECONDS = 45.0


@dataclass(frozen=True)
class Settings:
    """Where the server is, and as whom it is asked."""

    base_url: str
    api_key: str | None
    retry: Retry

    @classmethod
    def of(cls, base_url: str | None, api_key: str | None, retry: Retry | None) -> Settings:
        """What is not said stands in `WHARF_URL` and `WHARF_API_KEY`."""
        return cls(address(base_url, USUAL_URL), key(api_key), retry or Retry())

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of every try."""
        headers = {
            "Accept": "application/json",
            "User-Agent": f"wharf-python/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}",
        }
        if self.api_key is None or request.login:
            # A log-in's cookie is taken with this header alone, which no other site's page can set.
            headers["X-Wharf-Dashboard"] = "1"
        else:
            headers["Authorization"] = f"Bearer {self.api_key}"
        if request.idempotency_key is not None:
            headers["Idempotency-Key"] = word("idempotency_key", request.idempotency_key)
        checked(request.headers)
        return {**headers, **request.headers}

    def built(self, request: Request, http: httpx.Client | httpx.AsyncClient, content: Any = None) -> httpx.Request:
        """One try of the request."""
        return http.build_request(
            request.method,
            self.base_url + request.path,
            params=request.parameters(),
            headers=self.headers(request),
            json=request.json() if content is None else None,
            content=content,
            timeout=httpx.Timeout(request.seconds, connect=CONNECT_SECONDS),
        )

    def failure(self, response: httpx.Response) -> WharfError:
        """The exception for an answer that is no success."""
        return from_answer(response.status_code, response.headers, _json(response), response.content, self.base_url)


def one(response: httpx.Response, kind: type[T]) -> T:
    """What stands in the envelope."""
    return _opened(response, lambda answer: decode(kind, answer["data"]))


def several(response: httpx.Response, kind: type[T]) -> Page[T]:
    """The rows in the envelope, and where they go on."""
    return _opened(response, lambda answer: Page([decode(kind, row) for row in answer["data"]], answer["page"]["next"]))


def table(response: httpx.Response) -> dict[str, Any]:
    """A JSON object that stands in no envelope."""
    return _opened(response, dict)


def _opened(response: httpx.Response, open_: Callable[[Mapping[str, Any]], T]) -> T:
    answer = _json(response)
    try:
        if not isinstance(answer, Mapping):
            raise Undecodable("no JSON object")
        return open_(answer)
    except (Undecodable, KeyError, TypeError, ValueError) as fault:
        unexpected = UnexpectedAnswerError(f"an answer that is not Wharf's: {fault}", http_status=response.status_code, body=response.content[:4096])
        raise unexpected from fault


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def noted(request: Request, error: WharfError, tried: int, pause: float | None) -> None:
    """A line of the log for each try that failed, with what an operator asks for."""
    rest = "given up" if pause is None else f"again in {pause:.1f} s"
    log.log(
        logging.WARNING if pause is None else logging.INFO,
        "%s %s: %s, try %d, request %s: %s",
        request.method,
        request.path,
        error.code,
        tried,
        getattr(error, "request_id", None),
        rest,
    )
