"""Requests that are awaited: tried again as `Retry` says, opened, and raised where they failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, List, TypeVar

import anyio
import httpx

from ._request import Request
from ._retry import asks_for_session, is_on_its_way
from ._settings import Settings, noted, one, several, table
from ._upload import Upload
from .errors import NetworkError, WharfError
from .models import Session
from .pages import AsyncPages, Page

T = TypeVar("T")


class AsyncCaller:
    """What every operation calls."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient | None):
        self._settings = settings
        self._http = http or httpx.AsyncClient()
        self._owned = http is None

    async def aclose(self) -> None:
        """Closes the connections, unless the HTTP client is your own."""
        if self._owned:
            await self._http.aclose()

    async def _one(self, request: Request, kind: type[T]) -> T:
        return one(await self._send(request), kind)

    async def _list(self, request: Request, kind: type[T]) -> List[T]:
        return several(await self._send(request), kind).data

    def _pages(self, request: Request, kind: type[T]) -> AsyncPages[T]:
        async def fetch(cursor: str | None) -> Page[T]:
            return several(await self._send(request.with_query(cursor=cursor)), kind)

        return AsyncPages(fetch, request.query.get("cursor"))

    async def _json(self, request: Request) -> dict[str, Any]:
        return table(await self._send(request))

    async def _text(self, request: Request) -> str:
        return (await self._send(request)).text

    async def _send(self, request: Request, upload: Upload | None = None) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            try:
                return await self._try(request, upload)
            except WharfError as error:
                coming = await self._session_comes(request, error)
                pause = self._settings.retry.pause(error, tried, coming=coming)
                if upload is not None and not upload.repeatable:
                    pause = None
                noted(request, error, tried, pause)
                if pause is None:
                    raise
            await anyio.sleep(pause)

    async def _session_comes(self, request: Request, error: WharfError) -> bool:
        question = asks_for_session(request, error)
        try:
            return question is not None and is_on_its_way(one(await self._try(question, None), Session))
        except WharfError:
            return False

    async def _try(self, request: Request, upload: Upload | None) -> httpx.Response:
        try:
            content = None if upload is None else upload.async_chunks()
            response = await self._http.send(self._settings.built(request, self._http, content))
        except httpx.TransportError as fault:
            raise NetworkError(f"no answer from {self._settings.base_url}: {fault or type(fault).__name__}") from fault
        if not response.is_success:
            raise self._settings.failure(response)
        return response

    @asynccontextmanager
    async def _streamed(self, request: Request, seconds: float) -> AsyncIterator[httpx.Response]:
        """One try whose body is read as it comes; `seconds` may pass between two parts of it."""
        built = self._settings.built(request, self._http)
        built.extensions["timeout"] = {**built.extensions["timeout"], "read": seconds}
        try:
            response = await self._http.send(built, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    raise self._settings.failure(response)
                yield response
            finally:
                await response.aclose()
        except httpx.TransportError as fault:
            raise NetworkError(f"no answer from {self._settings.base_url}: {fault or type(fault).__name__}") from fault
