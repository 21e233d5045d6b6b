"""A file on its way to the server: read in parts, told of, and from the beginning again where a try failed."""

from __future__ import annotations

import io
import mimetypes
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Union

import anyio.to_thread

from ._request import Request

#: A path, the bytes themselves, or what is open for reading in binary.
File = Union[str, "os.PathLike[str]", bytes, BinaryIO]
#: Called with the bytes that are done and all there are; None where nobody knows.
Progress = Callable[[int, Union[int, None]], None]

CHUNK_BYTES = 64 * 1024


class Upload:
    """A file to read from, as often as it takes."""

    def __init__(self, file: File, progress: Progress | None):
        self._file = file
        self._progress = progress
        self._begin = file.tell() if isinstance(file, io.IOBase) and file.seekable() else 0
        self.repeatable = isinstance(file, (str, bytes, os.PathLike)) or (hasattr(file, "seekable") and file.seekable())
        """Whether it can be read from the beginning again."""

    @property
    def name(self) -> str | None:
        """The file's own name, where it has one."""
        name = self._file if isinstance(self._file, (str, os.PathLike)) else getattr(self._file, "name", None)
        return Path(name).name if isinstance(name, (str, os.PathLike)) else None

    def size(self) -> int | None:
        """Its bytes, where that can be known before it is read."""
        if isinstance(self._file, bytes):
            return len(self._file)
        if isinstance(self._file, (str, os.PathLike)):
            return os.stat(self._file).st_size
        if not self.repeatable:
            return None
        end = self._file.seek(0, io.SEEK_END)
        self._file.seek(self._begin)
        return end - self._begin

    def request(self, media_type: str | None, file_name: str | None, content_type: str | None, idempotency_key: str | None) -> Request:
        """The request whose body it is."""
        name = file_name or self.name
        query = {"mediaType": media_type, "fileName": name}
        return Request(
            "POST",
            "/v1/media",
            query=query,
            takes_key=True,
            idempotency_key=idempotency_key,
            patience="files",
            headers=self._headers(name, content_type),
        )

    def _headers(self, name: str | None, content_type: str | None) -> dict[str, str]:
        """What the request says of the body."""
        guessed = mimetypes.guess_type(name)[0] if name else None
        # A body of JSON would be an order; a file of it goes as bytes, and its name tells what it is.
        plain = guessed is None or guessed == "application/json"
        headers = {"Content-Type": content_type or ("application/octet-stream" if plain else str(guessed))}
        size = self.size()
        if size is not None:
            headers["Content-Length"] = str(size)
        return headers

    def chunks(self) -> Iterator[bytes]:
        """The file, part after part."""
        file = self._opened()
        try:
            done, size = 0, self.size()
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                done += len(chunk)
                self._tell(done, size)
        finally:
            self._closed(file)

    async def async_chunks(self) -> AsyncIterator[bytes]:
        """The same, read beside the loop of events."""
        file = await anyio.to_thread.run_sync(self._opened)
        try:
            done, size = 0, self.size()
            while chunk := await anyio.to_thread.run_sync(file.read, CHUNK_BYTES):
                yield chunk
                done += len(chunk)
                self._tell(done, size)
        finally:
            self._closed(file)

    def _opened(self) -> BinaryIO:
        if isinstance(self._file, bytes):
            return io.BytesIO(self._file)
        if isinstance(self._file, (str, os.PathLike)):
            return open(self._file, "rb")
        if self.repeatable:
            self._file.seek(self._begin)
        return self._file

    def _closed(self, file: BinaryIO) -> None:
        if file is not self._file:
            file.close()

    def _tell(self, done: int, size: int | None) -> None:
        if self._progress is not None:
            self._progress(done, size)
