"""What is tried again, after which pause, and under which key."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from conftest import SILENT, Sandbox

from wharf import NetworkError, RateLimitError, Retry, SessionError, StateError, UnexpectedAnswerError, Wharf

Answer = Callable[[httpx.Request], httpx.Response]


def refusal(status: int, code: str, headers: dict[str, str] | None = None, **details: Any) -> Answer:
    error = {"code": code, "message": "no", "details": details}
    return lambda _: httpx.Response(status, json={"success": False, "error": error}, headers=headers)


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("broken", request=request)


def unreached(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def health(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "data": {"status": "ok", "page": None}})


class Server:
    """Answers in this order, and remembers what it was asked."""

    def __init__(self, *answers: Answer):
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.wharf = Wharf("http://wharf.test", "KEY", http=httpx.Client(transport=httpx.MockTransport(self._answer)))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answers.pop(0)(request)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, without making them."""
    made: list[float] = []
    monkeypatch.setattr("wharf._caller.time.sleep", made.append)
    return made


def test_a_pause_that_the_server_names_is_kept(pauses: list[float]) -> None:
    server = Server(refusal(429, "rate_limit_exceeded", {"Retry-After": "7"}), refusal(503, "service_unavailable", {"Retry-After": "3"}), health)
    assert server.wharf.server.get_health().status == "ok"
    assert 7 <= pauses[0] <= 8 and 3 <= pauses[1] <= 4 and len(pauses) == 2


def test_other_pauses_double_up_to_the_longest_and_are_drawn(pauses: list[float]) -> None:
    server = Server(*[broken] * 9, health)
    server.wharf.server.get_health()
    whole = [min(8.0, 0.25 * 2**number) for number in range(9)]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(pauses, whole, strict=True))
    assert len(set(pauses)) == 9


def test_the_last_try_is_raised_and_a_longer_pause_than_allowed_is_not_made(pauses: list[float]) -> None:
    with pytest.raises(NetworkError) as lost:
        Server(*[broken] * 10).wharf.server.get_health()
    assert isinstance(lost.value.__cause__, httpx.ReadError) and len(pauses) == 9 and lost.value.friendly()
    with pytest.raises(RateLimitError) as limited:
        Server(refusal(429, "rate_limit_exceeded", {"Retry-After": "3600"})).wharf.server.get_health()
    assert limited.value.retry_after == 3600 and len(pauses) == 9


def test_one_key_is_made_for_each_call_and_kept_over_its_tries(pauses: list[float]) -> None:
    sent = {"success": True, "data": {"phoneNumber": "1", "apiKey": "k", "createdAt": "2026-01-01T00:00:00Z", "keyId": "i", "name": "n", "permissions": []}}
    done: Answer = lambda _: httpx.Response(201, json=sent)  # noqa: E731
    server = Server(broken, refusal(409, "idempotency_key_in_use", {"Retry-After": "1"}), done, done)
    for _ in range(2):
        server.wharf.keys.create(name="n", permissions=["events:read"])
    keys = [request.headers["idempotency-key"] for request in server.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [str(uuid.UUID(key)) for key in keys] == keys
    own = Server(done)
    own.wharf.keys.create(name="n", permissions=["events:read"], idempotency_key="order-1017")
    assert own.asked[0].headers["idempotency-key"] == "order-1017"


def test_what_takes_no_key_makes_nothing_new_and_is_repeated_too(pauses: list[float]) -> None:
    done: Answer = lambda _: httpx.Response(200, json={"success": True, "data": {"deliveries": 1}})  # noqa: E731
    server = Server(unreached, broken, refusal(503, "service_unavailable", {"Retry-After": "1"}), refusal(429, "concurrent_request_limit_exceeded"), done)
    assert server.wharf.webhooks.recover("whk_1", since="2026-01-01T00:00:00Z").deliveries == 1
    assert len(server.asked) == 5 and all("idempotency-key" not in request.headers for request in server.asked)


@pytest.mark.parametrize("status, code", [(500, "message_sending_failed"), (400, "media_url_inaccessible"), (409, "conflict")])
def test_what_others_refused_is_left_to_the_caller(pauses: list[float], status: int, code: str) -> None:
    server = Server(refusal(status, code))
    with pytest.raises(Exception, match=code):
        server.wharf.messages.send_text(session_id="ses_1", to="1", text="x")
    assert len(server.asked) == 1


def test_a_page_of_a_proxy_is_told_as_what_it_is_and_its_bad_gateway_tried_again(pauses: list[float]) -> None:
    gateway: Answer = lambda _: httpx.Response(502, html="<h1>Bad Gateway</h1>")  # noqa: E731
    assert Server(gateway, health).wharf.server.get_health().status == "ok"
    for page in (httpx.Response(404, html="<h1>nothing</h1>"), httpx.Response(200, html="<h1>sign in</h1>"), httpx.Response(200, json={"success": True})):
        with pytest.raises(UnexpectedAnswerError) as strange:
            Server(lambda _, page=page: page).wharf.server.get_health()  # type: ignore[misc]
        assert strange.value.http_status == page.status_code and not strange.value.retryable


def session(status: str, **more: str) -> Answer:
    shown = {"sessionId": "ses_1", "name": "n", "status": status, "createdAt": "2026-01-01T00:00:00Z", "statusAt": "2026-01-01T00:00:00Z", **more}
    return lambda _: httpx.Response(200, json={"success": True, "data": shown})


def test_a_send_waits_for_a_session_that_is_on_its_way_and_not_for_one_that_needs_a_scan(pauses: list[float]) -> None:
    away = refusal(400, "session_not_connected")
    dry = {"chat": {"chatId": "1"}, "dryRun": True, "sessionId": "ses_1", "status": "sent", "type": "text"}
    done: Answer = lambda _: httpx.Response(200, json={"success": True, "data": dry})  # noqa: E731
    server = Server(away, session("starting"), away, session("connecting"), done)
    assert server.wharf.messages.send_text(session_id="ses_1", to="1", text="x", dry_run=True).status == "sent"
    assert [request.method for request in server.asked] == ["POST", "GET", "POST", "GET", "POST"] and len(pauses) == 2
    for waits in (session("qr"), session("stopped"), session("connecting", waitingFor="client_update"), refusal(403, "insufficient_permissions")):
        with pytest.raises(SessionError, match="session_not_connected"):
            Server(away, waits).wharf.messages.send_text(session_id="ses_1", to="1", text="x")
    assert len(pauses) == 2


class LostAnswers(httpx.HTTPTransport):
    """Brings each request there, and loses the first answers on their way back."""

    def __init__(self, lost: int):
        super().__init__()
        self.lost = lost
        self.keys: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        self.keys.append(request.headers["idempotency-key"])
        if len(self.keys) <= self.lost:
            response.read()
            raise httpx.ReadError("the answer was lost", request=request)
        return response


def test_a_text_whose_answers_were_lost_is_shown_once(sandbox: Sandbox, session_id: str) -> None:
    transport, text = LostAnswers(2), f"once {uuid.uuid4()}"
    with httpx.Client(transport=transport) as http:
        wharf = Wharf(sandbox.url, sandbox.api_key, http=http)
        message = wharf.messages.send_text(session_id=session_id, to=SILENT, text=text)
    assert len(transport.keys) == 3 and len(set(transport.keys)) == 1
    with Wharf(sandbox.url, sandbox.api_key) as plain:
        plain.messages.wait_until(message, "delivered")
        assert sandbox.texts(SILENT).count(text) == 1
        assert [one.message_id for one in plain.messages.list(text=text)] == [message.message_id]
        with pytest.raises(StateError, match="idempotency_key_reused"):
            plain.messages.send_text(session_id=session_id, to=SILENT, text="other", idempotency_key=transport.keys[0])


def test_retry_can_be_set(pauses: list[float]) -> None:
    server = Server(broken)
    server.wharf = Wharf("http://wharf.test", http=server.wharf._http, retry=Retry(tries=1))
    with pytest.raises(NetworkError):
        server.wharf.server.get_health()
    assert pauses == []
