"""Lists in pages, which are fetched as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list."""

    data: list[T]
    next: str | None
    """The `cursor` of the next page; None at the end."""


class Pages(Generic[T]):
    """A whole list: `for message in wharf.messages.list()` reads page after page. Each loop begins anew."""

    def __init__(self, fetch: Callable[[str | None], Page[T]], cursor: str | None):
        self._fetch = fetch
        self._cursor = cursor

    def page(self, cursor: str | None = None) -> Page[T]:
        """One page alone: the first, or the one at that `cursor`."""
        return self._fetch(cursor or self._cursor)

    def pages(self) -> Iterator[Page[T]]:
        """Page after page."""
        page = self.page()
        yield page
        while page.next is not None:
            page = self.page(page.next)
            yield page

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data


class AsyncPages(Generic[T]):
    """A whole list: `async for message in wharf.messages.list()` reads page after page. Each loop begins anew."""

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[T]]], cursor: str | None):
        self._fetch = fetch
        self._cursor = cursor

    async def page(self, cursor: str | None = None) -> Page[T]:
        """One page alone: the first, or the one at that `cursor`."""
        return await self._fetch(cursor or self._cursor)

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page."""
        page = await self.page()
        yield page
        while page.next is not None:
            page = await self.page(page.next)
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for one in page.data:
                yield one
