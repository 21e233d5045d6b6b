"""What a group can do beside its operations."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from os import PathLike
from types import TracebackType
from typing import Literal

import httpx

from ._caller import Caller
from ._codec import decode_event
from ._request import Request, path
from ._retry import Retry
from ._settings import STREAM_SECONDS, noted, one, table
from ._stream import Lines, Position
from ._upload import File, Progress, Upload
from ._wait import Goal, Linking, Waiting
from .errors import WharfError
from .models import Event, EventChoice, Media, MediaKind, Message, Session
from .pages import Page

PICTURES = {"png": "image/png", "svg": "image/svg+xml", "text": "text/plain"}


class Resource:
    """A group of operations."""

    def __init__(self, client: Caller):
        self._client = client


class SessionsHelpers(Resource):
    """Waiting for a link, and the QR code as a picture."""

    def wait_until_connected(self, session: Session | str, *, timeout: float = 120.0) -> Session:
        """Waits until the session is connected.

        Raises:
            WaitTimeoutError: It is not after `timeout` seconds; `last` is the session as it stands.
        """
        linking = Linking(session, timeout)
        while not linking.connected(shown := self._client._one(linking.question, Session)):
            time.sleep(linking.pause)
        return shown

    def get_qr_picture(self, session_id: str, form: Literal["png", "svg", "text"] = "png") -> bytes:
        """The QR code as a picture, or as blocks for a terminal (UTF-8).

        Raises:
            SessionError: `session_not_found`, `qr_code_expired`, `session_disconnected`.
            StateError: `conflict`: the session is linked.
        """
        request = Request("GET", path("/v1/sessions/{}/qr", session_id), headers={"Accept": PICTURES[form]})
        return self._client._send(request).content


class MessagesHelpers(Resource):
    """Waiting for a message's way."""

    def wait_until(self, message: Message | str, goal: Goal, *, timeout: float = 300.0) -> Message:
        """Waits until a message is `sent`, `delivered`, `read` or `played`, or further.

        Args:
            message: The message, or its id.
            goal: How far it should come.
            timeout: Seconds after which that is given up.

        Raises:
            MessageFailedError: It failed; `message` has the code and the reason.
            WaitTimeoutError: It has not come so far in time; `last` is the message as it stands.
        """
        waiting = Waiting(message, goal, timeout)
        while not waiting.arrived(shown := self._client._one(waiting.question(), Message)):
            pass
        return shown


class MediaHelpers(Resource):
    """Files, as they go and come."""

    def upload(
        self,
        file: File,
        *,
        media_type: MediaKind | None = None,
        file_name: str | None = None,
        content_type: str | None = None,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Media:
        """Stores a file that messages can then send by its id. It is read in parts of 64 KiB and never whole.

        Needs the permission `messages:send`.

        Args:
            file: A path, bytes, or what is open for reading in binary. What cannot be read again from the beginning is not tried again.
            media_type: What the file is for; told from its bytes otherwise.
            file_name: Its name; the path's own unless said.
            content_type: What its bytes are; guessed by the name unless said.
            progress: Called with the bytes that are on their way and all there are.
            idempotency_key: A key of your own, kept for 24 hours; unless given, one is made for the call and kept over its tries.

        Raises:
            MessageError: `media_size_exceeded`, `invalid_media_type`.
            StateError: `conflict`, `idempotency_key_in_use`, `idempotency_key_reused`.
        """
        upload = Upload(file, progress)
        request = upload.request(media_type, file_name, content_type, idempotency_key)
        return one(self._client._send(request, upload), Media)

    def get(self, media_id: str) -> bytes:
        """The bytes of a file that was uploaded or received, whole in memory.

        Raises:
            GeneralError: `resource_not_found`.
        """
        request = Request("GET", path("/v1/media/{}", media_id), patience="files", headers={"Accept": "*/*"})
        return self._client._send(request).content

    def download(self, media_id: str, to: str | PathLike[str], *, progress: Progress | None = None) -> int:
        """Writes a file that was uploaded or received to a path, part after part; where the connection breaks it goes on from there.

        Returns its bytes.

        Raises:
            GeneralError: `resource_not_found`.
        """
        done, tag, tried = 0, "", 0
        with open(to, "wb") as file:
            while True:
                request = part_request(media_id, done, tag)
                try:
                    with self._client._streamed(request, request.seconds) as response:
                        if response.status_code != httpx.codes.PARTIAL_CONTENT:
                            done = 0
                            file.seek(0)
                            file.truncate()
                        tag = response.headers.get("etag", "")
                        size = done + int(response.headers["content-length"]) if "content-length" in response.headers else None
                        for chunk in response.iter_raw():
                            file.write(chunk)
                            done, tried = done + len(chunk), 0
                            if progress is not None:
                                progress(done, size)
                    return done
                except WharfError as error:
                    tried += 1
                    pause = self._client._settings.retry.pause(error, tried)
                    noted(request, error, tried, pause)
                    if pause is None:
                        raise
                time.sleep(pause)


class EventsHelpers(Resource):
    """The log of what happened, in parts and as it grows."""

    def list(
        self,
        *,
        cursor: str | None = None,
        events: Sequence[EventChoice] = (),
        session_id: str | None = None,
        wait: int | None = None,
        limit: int | None = None,
    ) -> Page[Event]:
        """Reads a part of the event log, oldest first. `next` is never None: it is where the log goes on.

        Needs the permission `events:read`.

        Args:
            cursor: Where to begin: the id of an event, the `next` of a page, `oldest` or `latest`.
            events: Only these kinds. `*`: each step once, as webhooks with `*` get it.
            session_id: Only this session's.
            wait: Seconds to wait for a first event, 30 at most.
            limit: How many rows a page has at most. 50 where it is left out, 200 at most.

        Raises:
            SessionError: `session_not_found`.
        """
        query = {"cursor": cursor, "events": ",".join(events) or None, "sessionId": session_id, "wait": wait, "limit": limit}
        return event_page(self._client._send(Request("GET", "/v1/events", query=query)))

    def listen(self, events: Sequence[EventChoice] = ("*",), *, session_id: str | None = None, cursor: str | None = None) -> Listener:
        """Everything that happens from this call on, each event once, without an end: `for event in wharf.events.listen(): …`.

        The stream resumes by itself wherever it breaks, for as long as it takes, and misses nothing that the log still has. Match the
        classes of `wharf.models`, such as `MessageReceivedEvent`. It counts as one concurrent request.

        Needs the permission `events:read`.

        Args:
            events: These kinds; each step once unless told otherwise, as webhooks with `*` get it.
            session_id: Only this session's.
            cursor: Where to begin instead: the `cursor` of a listener of before, the id of an event, or `oldest`.

        Raises:
            AuthenticationError: The key is revoked or expired, at the beginning or later.
            SessionError: `session_not_found`.
        """
        return Listener(self._client, events, session_id, cursor, self._client._settings.retry)


class Listener:
    """Events as they happen. `cursor` is where to begin the next time: behind the last event that your loop was done with."""

    def __init__(self, client: Caller, events: Sequence[EventChoice], session_id: str | None, cursor: str | None, retry: Retry):
        self._client = client
        self._position = Position(events, session_id, cursor, retry)
        self._response: httpx.Response | None = None
        self._closed = False
        if cursor is None:
            self._position.cursor = event_page(client._send(self._position.latest())).next

    @property
    def cursor(self) -> str | None:
        """Keep it where your program finds it after a restart."""
        return self._position.cursor

    def close(self) -> None:
        """Ends the loop, also from another thread or a handler of signals."""
        self._closed = True
        if self._response is not None:
            # A thread that waits for bytes is not woken by a closed file; the end of the connection wakes it.
            with suppress(OSError):
                self._response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        while not self._closed:
            try:
                yield from self._stream()
                pause: float | None = self._position.ended()
            except WharfError as error:
                if self._closed:
                    return
                pause = self._position.broken(error)
                noted(self._position.stream(), error, self._position._tried, pause)
                if pause is None:
                    raise
            time.sleep(pause or 0)

    def _stream(self) -> Iterator[Event]:
        lines = Lines()
        with self._client._streamed(self._position.stream(), STREAM_SECONDS) as response:
            self._response = response
            if self._closed:
                return
            try:
                for part in response.iter_bytes():
                    for event in lines.feed(part):
                        yield event
                        self._position.handled(event)
            finally:
                self._response = None


def event_page(response: httpx.Response) -> Page[Event]:
    """A part of the log."""
    answer = table(response)
    return Page([decode_event(row) for row in answer["data"]], answer["page"]["next"])


def part_request(media_id: str, done: int, tag: str) -> Request:
    """Asks for a file, or for what is left of it where it is still the same."""
    rest = {"Range": f"bytes={done}-", "If-Range": tag} if done and tag else {}
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", **rest}
    return Request("GET", path("/v1/media/{}", media_id), patience="files", headers=headers)
