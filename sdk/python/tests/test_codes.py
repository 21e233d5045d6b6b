"""Each code of the catalogue, met for its true cause and raised as the exception of its group."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import get_args, get_type_hints

import httpx
import pytest
from conftest import ECHO, SILENT, Sandbox, paired

from wharf import CODES, SENTENCES, ApiError, Retry, Wharf, errors
from wharf._request import Request
from wharf.models import SessionWithQr

NOBODY = "15550009999"


class Tiny:
    """An account on a plan of its own, whose limits a test sets."""

    def __init__(self, sandbox: Sandbox, operator: Wharf):
        self._operator = operator
        self.name = f"tiny{uuid.uuid4().hex[:12]}"
        self.limits()
        account = operator.admin.create_account(name=self.name, plan=self.name)
        permissions = ["sessions:read", "sessions:write", "messages:read", "messages:send", "account:read"]
        key = operator.admin.create_api_key(account.account_id, name="tiny", permissions=permissions)  # type: ignore[arg-type]
        self.wharf = Wharf(sandbox.url, key.api_key, retry=Retry(tries=1))

    def limits(self, messages: int | None = None, calls: int = 1000, sessions: int | None = None, concurrent: int = 10) -> None:
        self._operator.admin.set_plan(
            self.name, calls_per_minute=calls, concurrent_requests=concurrent, messages_per_day=messages, sessions=sessions
        )


class Ground:
    """What a cause needs."""

    def __init__(self, sandbox: Sandbox, once: Wharf, operator: Wharf, session_id: str):
        self.sandbox, self.wharf, self.operator, self.session = sandbox, once, operator, session_id

    def text(self, to: str, text: str = "x", session: str | None = None, key: str | None = None) -> None:
        self.wharf.messages.send_text(session_id=session or self.session, to=to, text=text, idempotency_key=key)

    def tiny(self) -> Tiny:
        return Tiny(self.sandbox, self.operator)

    def create(self) -> SessionWithQr:
        return self.wharf.sessions.create(name="provoke")

    def at_once(self, *calls: Callable[[], object]) -> None:
        """All of them at the same time; the first failure is raised."""
        gate = threading.Barrier(len(calls))
        with ThreadPoolExecutor(len(calls)) as pool:
            done = [pool.submit(lambda call=call: (gate.wait(), call())) for call in calls]  # type: ignore[misc]
        for one in done:
            one.result()


def expired_key(ground: Ground) -> None:
    key = ground.wharf.keys.create(name="old", permissions=["account:read"], expires_at=datetime(2020, 1, 1, tzinfo=timezone.utc))
    Wharf(ground.sandbox.url, key.api_key).account.get()


def expired_code(ground: Ground) -> None:
    ground.sandbox.fault(action="expire_qr")
    session = ground.create()
    while ground.wharf.sessions.get(session.session_id).status != "qr_expired":
        pass
    httpx.delete(f"{ground.sandbox.control}/control/faults")
    ground.wharf.sessions.get_qr(session.session_id)


def unlinked(ground: Ground) -> None:
    session = paired(ground.sandbox, ground.wharf, "15550000002")
    ground.wharf.sessions.logout(session)
    ground.text(ECHO, session=session)


def used_up(ground: Ground) -> None:
    tiny = ground.tiny()
    tiny.limits(messages=0)
    session = paired(ground.sandbox, tiny.wharf, "15550000003")
    tiny.wharf.messages.send_text(session_id=session, to=ECHO, text="x")


def one_session_too_many(ground: Ground) -> None:
    tiny = ground.tiny()
    tiny.limits(sessions=0)
    tiny.wharf.sessions.create(name="one too many")


def one_call_too_many(ground: Ground) -> None:
    tiny = ground.tiny()
    tiny.limits(calls=1)
    tiny.wharf.account.get()
    tiny.wharf.account.get()


def two_at_the_same_time(ground: Ground) -> None:
    tiny = ground.tiny()
    session = tiny.wharf.sessions.create(name="polled")
    tiny.limits(concurrent=1)
    poll = lambda: tiny.wharf.sessions.get_qr(session.session_id, wait=3, known=session.qr)  # noqa: E731
    ground.at_once(poll, poll)


def key_in_use(ground: Ground) -> None:
    ground.sandbox.fault(action="delay_ack", to="15550001004", delayMs=3000, times=1)
    key = f"in-use-{uuid.uuid4()}"
    send = lambda: ground.text("15550001004", key=key)  # noqa: E731
    ground.at_once(send, send)


def key_reused(ground: Ground) -> None:
    key = f"reused-{uuid.uuid4()}"
    ground.text(SILENT, "one", key=key)
    ground.text(SILENT, "two", key=key)


def edited_place(ground: Ground) -> None:
    place = ground.wharf.messages.send_location(session_id=ground.session, to=SILENT, latitude=1, longitude=2)
    ground.wharf.messages.edit(place.message_id, text="x")


def raw(method: str, path: str, body: object = None) -> Callable[[Ground], object]:
    """A request that no method makes."""
    return lambda g: g.wharf._send(Request(method, path, body=body))  # type: ignore[arg-type]


def webhook(url: str, event: str = "message.received") -> Callable[[Ground], object]:
    return lambda g: g.wharf.webhooks.create(url=url.replace("CONTROL", g.sandbox.control), events=[event])  # type: ignore[list-item]


CAUSES: dict[str, Callable[[Ground], object]] = {
    "invalid_api_key": lambda g: Wharf(g.sandbox.url, "nonsense").account.get(),
    "missing_api_key": lambda g: Wharf(g.sandbox.url).account.get(),
    "expired_api_key": expired_key,
    "insufficient_permissions": lambda g: g.wharf.admin.list_plans(),
    "session_not_found": lambda g: g.wharf.sessions.get(f"ses_{0:032}"),
    "session_not_connected": lambda g: g.text(ECHO, session=g.create().session_id),
    "session_limit_reached": one_session_too_many,
    "qr_code_expired": expired_code,
    "session_disconnected": unlinked,
    "invalid_phone_number": lambda g: g.text("12ab"),
    "recipient_not_on_whatsapp": lambda g: g.text(NOBODY),
    "message_too_long": lambda g: g.text(ECHO, "x" * 4097),
    "media_size_exceeded": lambda g: g.wharf.media.upload(b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(5 << 20), media_type="image"),
    "invalid_media_type": lambda g: g.wharf.media.upload(b"no picture", media_type="image", content_type="image/png"),
    "media_url_inaccessible": lambda g: g.wharf.messages.send_media(
        session_id=g.session, to=ECHO, media_type="image", media_url="http://127.0.0.1:9/x.jpg"
    ),
    "message_not_found": lambda g: g.wharf.messages.get(f"msg_{0:032}"),
    "message_sending_failed": lambda g: g.text("15550007479"),
    "daily_message_limit_reached": used_up,
    "invalid_webhook_url": webhook("ftp://example.com/hook"),
    "webhook_url_unreachable": webhook("http://127.0.0.1:19191/hook"),
    "webhook_response_timeout": webhook("CONTROL/control/hooks/slow"),
    "invalid_webhook_event": webhook("CONTROL/control/hooks/ok", "message.exploded"),
    "rate_limit_exceeded": one_call_too_many,
    "concurrent_request_limit_exceeded": two_at_the_same_time,
    "invalid_request": lambda g: g.wharf.messages.list(limit=0).page(),
    "missing_required_parameter": raw("POST", "/v1/messages/text", {}),
    "invalid_parameter_type": raw("POST", "/v1/messages/text", {"sessionId": "x", "to": "15550001001", "text": 1}),
    "resource_not_found": raw("GET", "/v1/nothing"),
    "method_not_allowed": raw("PUT", "/v1/sessions"),
    "internal_server_error": lambda g: g.wharf.contacts.check(session_id=g.session, phone_numbers=["15550007500"]),
    "service_unavailable": lambda g: g.wharf.contacts.check(session_id=g.session, phone_numbers=["15550007504"]),
    "conflict": lambda g: g.wharf.sessions.get_qr(g.session),
    "idempotency_key_in_use": key_in_use,
    "idempotency_key_reused": key_reused,
    "unsupported_operation": edited_place,
}


@pytest.fixture
def ground(sandbox: Sandbox, once: Wharf, operator: Wharf, session_id: str) -> Ground:
    return Ground(sandbox, once, operator, session_id)


def test_every_code_of_the_catalogue_has_a_cause_here() -> None:
    assert list(CAUSES) == list(CODES)


@pytest.mark.parametrize("code", list(CODES))
def test_the_code_is_raised_as_the_exception_of_its_group(code: str, ground: Ground) -> None:
    with pytest.raises(ApiError) as raised:
        CAUSES[code](ground)
    error, row = raised.value, CODES[code]
    assert (error.code, error.http_status, error.group) == (code, row.http_status, row.group), error
    assert code in get_args(get_type_hints(type(error))["code"]), "the literal type of its class has it"
    assert error.retryable == (row.retry != "no") and error.fix == row.fix and error.message
    assert error.request_id and error.help_url == f"{ground.sandbox.url}/docs#error-{code}"
    if row.retry == "after":
        assert error.retry_after is not None and error.retry_after >= 1
    assert "{" not in error.friendly() and error.friendly() not in (error.message, code)


def test_details_say_what_was_met(ground: Ground) -> None:
    with pytest.raises(errors.MessageError) as raised:
        CAUSES["message_too_long"](ground)
    details = raised.value.details
    assert (details.field, details.limit, details.actual) == ("text", 4096, 4097)
    assert raised.value.friendly() == "The message is too long: 4097 characters, and 4096 are allowed."
    german = {SENTENCES["message_too_long"]: "Die Nachricht hat {actual} Zeichen, erlaubt sind {limit}."}
    assert raised.value.friendly(lambda sentence: german[sentence]) == "Die Nachricht hat 4097 Zeichen, erlaubt sind 4096."


def test_every_code_has_a_sentence_of_its_own() -> None:
    assert set(CODES) <= set(SENTENCES)
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_the_catalogue_of_the_server_is_the_one_in_the_package(wharf: Wharf) -> None:
    served = {row.code: (row.http_status, row.group, row.retry, row.description, row.fix) for row in wharf.server.list_errors()}
    assert served == {code: tuple(row) for code, row in CODES.items()}
