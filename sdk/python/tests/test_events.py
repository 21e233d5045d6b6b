"""The stream of events: typed, and whole although it is cut."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.lowlevel
import httpx
import pytest
from conftest import ECHO, SILENT, Sandbox

from wharf import AsyncWharf, AuthenticationError, Wharf
from wharf._codec import decode_event
from wharf._stream import Lines
from wharf.models import Event, Message, MessageReceivedEvent, MessageSentEvent, OtherEvent


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream that breaks off after so many bytes."""

    def __init__(self, whole: httpx.SyncByteStream | httpx.AsyncByteStream, after: int):
        self._whole, self._left = whole, after

    def _some(self, part: bytes) -> Iterator[bytes]:
        yield part[: self._left]
        self._left -= len(part)
        if self._left <= 0:
            raise httpx.ReadError("cut")

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._whole, httpx.SyncByteStream)
        for part in self._whole:
            yield from self._some(part)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._whole, httpx.AsyncByteStream)
        async for part in self._whole:
            for some in self._some(part):
                yield some

    def close(self) -> None:
        assert isinstance(self._whole, httpx.SyncByteStream)
        self._whole.close()

    async def aclose(self) -> None:
        assert isinstance(self._whole, httpx.AsyncByteStream)
        await self._whole.aclose()


class Scissors(httpx.HTTPTransport):
    """Cuts every stream, each a little later than the one before, so that some cuts fall into an event."""

    cuts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if response.headers["content-type"].startswith("text/event-stream"):
            self.cuts += 1
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = Cut(response.stream, 700 + 400 * self.cuts)
        return response


class AsyncScissors(httpx.AsyncHTTPTransport):
    """The same."""

    cuts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if response.headers["content-type"].startswith("text/event-stream"):
            self.cuts += 1
            assert isinstance(response.stream, httpx.AsyncByteStream)
            response.stream = Cut(response.stream, 700 + 400 * self.cuts)
        return response


def test_each_event_comes_once_although_the_stream_is_cut_in_the_middle(sandbox: Sandbox, wharf: Wharf, session_id: str) -> None:
    scissors, texts = Scissors(), [f"{number} {uuid.uuid4()}" for number in range(12)]
    with httpx.Client(transport=scissors) as http:
        listener = Wharf(sandbox.url, sandbox.api_key, http=http).events.listen(["message.sent"], session_id=session_id)
        # It begins where it was asked to, and not where the first stream does.
        for text in texts:
            wharf.messages.send_text(session_id=session_id, to=SILENT, text=text)
        seen = list(itertools.islice(listener, len(texts)))
    assert [event.data.text for event in seen if isinstance(event, MessageSentEvent)] == texts
    assert scissors.cuts > 2
    # The last one is not done with until the loop asks for the next.
    assert listener.cursor == seen[-2].event_id


def test_a_listener_of_another_day_goes_on_where_the_first_one_was(wharf: Wharf, session_id: str) -> None:
    first = wharf.events.listen(["message.received"])
    for text in ("one", "two", "three"):
        wharf.messages.send_text(session_id=session_id, to=ECHO, text=text)
    got = [event.data.text for event in itertools.islice(first, 2) if isinstance(event, MessageReceivedEvent)]
    later = wharf.events.listen(["message.received"], cursor=first.cursor)
    # The second had begun and was not done with: better twice than never.
    got += [event.data.text for event in itertools.islice(later, 2) if isinstance(event, MessageReceivedEvent)]
    assert [text and text.split()[-1] for text in got] == ["one", "two", "two", "three"]


def test_the_awaited_listener_is_cut_too_and_misses_nothing(sandbox: Sandbox, session_id: str) -> None:
    async def listened(texts: list[str]) -> tuple[list[Event], int]:
        scissors, seen = AsyncScissors(), []
        async with httpx.AsyncClient(transport=scissors) as http, AsyncWharf(sandbox.url, sandbox.api_key) as wharf:
            async with AsyncWharf(sandbox.url, sandbox.api_key, http=http).events.listen(["message.sent"]) as events:
                for text in texts:
                    await wharf.messages.send_text(session_id=session_id, to=SILENT, text=text)
                async for event in events:
                    seen.append(event)
                    if len(seen) == len(texts):
                        return seen, scissors.cuts
        raise AssertionError("the stream ended")

    texts = [f"{number} {uuid.uuid4()}" for number in range(12)]
    seen, cuts = anyio.run(listened, texts)
    assert [event.data.text for event in seen if isinstance(event, MessageSentEvent)] == texts and cuts > 2


def test_a_listener_is_ended_from_another_thread(wharf: Wharf) -> None:
    listener = wharf.events.listen(["webhook.disabled"])
    ended = threading.Thread(target=lambda: list(listener))
    ended.start()
    while listener._response is None:
        pass
    listener.close()
    ended.join(30)
    assert not ended.is_alive()


def test_an_awaited_listener_is_ended_from_another_task(sandbox: Sandbox) -> None:
    async def listened() -> list[Event]:
        seen: list[Event] = []
        async with AsyncWharf(sandbox.url, sandbox.api_key) as wharf, anyio.create_task_group() as tasks:
            listener = wharf.events.listen(["webhook.disabled"])

            async def all_of_them() -> None:
                seen.extend([event async for event in listener])

            tasks.start_soon(all_of_them)
            while listener._response is None:
                await anyio.lowlevel.checkpoint()
            await listener.aclose()
        return seen

    assert anyio.run(listened) == []


def test_a_listener_whose_key_is_revoked_ends_with_that_word(sandbox: Sandbox, wharf: Wharf) -> None:
    key = wharf.keys.create(name="listener", permissions=["events:read"])
    listener = Wharf(sandbox.url, key.api_key).events.listen()
    wharf.keys.revoke(key.key_id)
    with pytest.raises(AuthenticationError, match="invalid_api_key"):
        next(iter(listener))


def test_a_token_for_a_page_opens_its_sessions_stream_from_where_the_log_was(sandbox: Sandbox, wharf: Wharf, session_id: str) -> None:
    made = wharf.events.create_token(session_id=session_id, expires_in_seconds=60)
    assert made.session_id == session_id and made.expires_at.tzinfo is not None
    text = f"before the page listens {uuid.uuid4()}"
    wharf.messages.send_text(session_id=session_id, to=SILENT, text=text)
    query = {"token": made.token, "cursor": made.cursor, "events": "message.sent"}
    lines = Lines()
    with httpx.stream("GET", f"{sandbox.url}/v1/events", params=query, headers={"Accept": "text/event-stream"}, timeout=30) as stream:
        events = itertools.chain.from_iterable(lines.feed(part) for part in stream.iter_raw())
        heard = next(event for event in events if isinstance(event, MessageSentEvent) and event.data.text == text)
    assert heard.session_id == session_id


def test_the_log_is_read_in_parts_too(wharf: Wharf, session_id: str) -> None:
    page = wharf.events.list(cursor="oldest", events=["session.connected"], limit=1)
    assert page.data[0].event == "session.connected" and page.next


def frame(**members: object) -> dict[str, object]:
    common = {"eventId": "evt_1", "createdAt": "2026-01-15T09:00:00.483Z", "accountId": "acc_1", "sessionId": None, "sequence": 1}
    return {**common, **members}


def test_what_is_not_known_yet_or_came_truncated_is_another_event() -> None:
    new = decode_event(frame(event="message.pinned", data={"by": "x"}))
    assert isinstance(new, OtherEvent) and new.event == "message.pinned" and new.data == {"by": "x"}
    cut = decode_event(frame(event="message.received", data={"messageId": "msg_1"}, truncated=True))
    assert isinstance(cut, OtherEvent) and cut.truncated and cut.data["messageId"] == "msg_1"


def test_lines_may_come_in_any_parts_and_hold_any_signs() -> None:
    text = "a\u2028b\u0085c é"
    data = '{"eventId":"evt_1","event":"x","createdAt":"2026-01-15T09:00:00Z","accountId":"a","sessionId":null,"sequence":1,"data":{"t":"%s"}}' % text
    stream = f": hello\r\nid: evt_1\r\ndata: {data}\r\n\r\n:\n\nevent: x\ndata:{data}\n\n".encode()
    for size in range(1, len(stream)):
        lines = Lines()
        events = [event for at in range(0, len(stream), size) for event in lines.feed(stream[at : at + size])]
        assert [event.data for event in events] == [{"t": text}] * 2


def test_the_data_of_an_event_is_a_message_with_its_own_types(wharf: Wharf, session_id: str) -> None:
    listener = wharf.events.listen(["message.received"])
    wharf.messages.send_text(session_id=session_id, to=ECHO, text="typed")
    event = next(iter(listener))
    assert isinstance(event, MessageReceivedEvent) and isinstance(event.data, Message)
    assert event.data.from_ is not None and event.data.from_.phone_number == ECHO
    assert event.created_at.tzinfo is not None
