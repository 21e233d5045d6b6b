"""The two clients."""

from __future__ import annotations

from types import TracebackType

import httpx

from ._retry import Retry
from ._settings import Settings
from .async_resources import AsyncOperations
from .resources import Operations


class Wharf(Operations):
    """A client whose calls wait for their answer. It may be used by several threads at the same time.

    Args:
        base_url: Where Wharf is, with its scheme and perhaps a path; `WHARF_URL` unless said, or else port 8080 of this machine.
        api_key: The key of an account, or an operator's; `WHARF_API_KEY` unless said. Without one `users.create_login` signs in.
        retry: How often and after which pauses a request is tried again.
        http: An `httpx.Client` of your own, with its proxies, certificates and limits; it stays yours to close.

    Raises:
        ConfigurationError: The address cannot be meant, or the key cannot be sent.
    """

    def __init__(
        self, base_url: str | None = None, api_key: str | None = None, *, retry: Retry | None = None, http: httpx.Client | None = None
    ):
        super().__init__(Settings.of(base_url, api_key, retry), http)
        self._open()

    def __enter__(self) -> Wharf:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncWharf(AsyncOperations):
    """A client whose calls are awaited, under asyncio or trio.

    Args:
        base_url: Where Wharf is, with its scheme and perhaps a path; `WHARF_URL` unless said, or else port 8080 of this machine.
        api_key: The key of an account, or an operator's; `WHARF_API_KEY` unless said. Without one `users.create_login` signs in.
        retry: How often and after which pauses a request is tried again.
        http: An `httpx.AsyncClient` of your own, with its proxies, certificates and limits; it stays yours to close.

    Raises:
        ConfigurationError: The address cannot be meant, or the key cannot be sent.
    """

    def __init__(
        self, base_url: str | None = None, api_key: str | None = None, *, retry: Retry | None = None, http: httpx.AsyncClient | None = None
    ):
        super().__init__(Settings.of(base_url, api_key, retry), http)
        self._open()

    async def __aenter__(self) -> AsyncWharf:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()
