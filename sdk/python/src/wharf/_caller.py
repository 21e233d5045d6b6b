"""Requests that are waited for: tried again as `Retry` says, opened, and raised where they failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, List, TypeVar

import httpx

from ._request import Request
from ._retry import asks_for_session, is_on_its_way
from ._settings import Settings, noted, one, several, table
from ._upload import Upload
from .errors import NetworkError, WharfError
from .models import Session
from .pages import Page, Pages

T = TypeVar("T")


class Caller:
    """What every operation calls."""

    def __init__(self, settings: Settings, http: httpx.Client | None):
        self._settings = settings
        self._http = http or httpx.Client()
        self._owned = http is None

    def close(self) -> None:
        """Closes the connections, unless the HTTP client is your own."""
        if self._owned:
            self._http.close()

    def _one(self, request: Request, kind: type[T]) -> T:
        return one(self._send(request), kind)

    def _list(self, request: Request, kind: type[T]) -> List[T]:
        return several(self._send(request), kind).data

    def _pages(self, request: Request, kind: type[T]) -> Pages[T]:
        def fetch(cursor: str | None) -> Page[T]:
            return several(self._send(request.with_query(cursor=cursor)), kind)

        return Pages(fetch, request.query.get("cursor"))

    def _json(self, request: Request) -> dict[str, Any]:
        return table(self._send(request))

    def _text(self, request: Request) -> str:
        return self._send(request).text

    def _send(self, request: Request, upload: Upload | None = None) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            try:
                return self._try(request, upload)
            except WharfError as error:
                coming = self._session_comes(request, error)
                pause = self._settings.retry.pause(error, tried, coming=coming)
                if upload is not None and not upload.repeatable:
                    pause = None
                noted(request, error, tried, pause)
                if pause is None:
                    raise
            time.sleep(pause)

    def _session_comes(self, request: Request, error: WharfError) -> bool:
        question = asks_for_session(request, error)
        try:
            return question is not None and is_on_its_way(one(self._try(question, None), Session))
        except WharfError:
            return False

    def _try(self, request: Request, upload: Upload | None) -> httpx.Response:
        try:
            content = None if upload is None else upload.chunks()
            response = self._http.send(self._settings.built(request, self._http, content))
        except httpx.TransportError as fault:
            raise NetworkError(f"no answer from {self._settings.base_url}: {fault or type(fault).__name__}") from fault
        if not response.is_success:
            raise self._settings.failure(response)
        return response

    @contextmanager
    def _streamed(self, request: Request, seconds: float) -> Iterator[httpx.Response]:
        """One try whose body is read as it comes; `seconds` may pass between two parts of it."""
        built = self._settings.built(request, self._http)
        built.extensions["timeout"] = {**built.extensions["timeout"], "read": seconds}
        try:
            response = self._http.send(built, stream=True)
            try:
                if not response.is_success:
                    response.read()
                    raise self._settings.failure(response)
                yield response
            finally:
                response.close()
        except httpx.TransportError as fault:
            raise NetworkError(f"no answer from {self._settings.base_url}: {fault or type(fault).__name__}") from fault
