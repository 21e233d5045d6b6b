"""The signature of a delivery."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue

import pytest
from conftest import ECHO
from standardwebhooks import Webhook

from wharf import SignatureError, Wharf, verify
from wharf.models import MessageReceivedEvent, WebhookTestEvent

Delivery = tuple[dict[str, str], bytes]


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, Queue[Delivery]]]:
    """A server of one's own, and what was delivered to it."""
    came: Queue[Delivery] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            came.put((dict(self.headers), body))

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", came
    server.shutdown()


def test_a_real_delivery_is_verified_and_typed(wharf: Wharf, session_id: str, receiver: tuple[str, Queue[Delivery]]) -> None:
    url, came = receiver
    secret = "whsec_" + base64.b64encode(b"another secret of somebody else").decode()
    webhook = wharf.webhooks.create(url=url, events=["message.received"], secret="whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")
    headers, body = came.get(timeout=30)
    assert isinstance(verify(body, headers, webhook.secret), WebhookTestEvent)
    wharf.messages.send_text(session_id=session_id, to=ECHO, text="déjà \u2028 vu 🛟")
    headers, body = came.get(timeout=30)
    event = verify(body, headers, [secret, webhook.secret])
    assert isinstance(event, MessageReceivedEvent) and event.data.text and "déjà \u2028 vu 🛟" in event.data.text
    # The published library is of the same opinion.
    assert Webhook(webhook.secret).verify(body, {name.lower(): value for name, value in headers.items()})
    # While a secret is replaced both sign.
    rotated = wharf.webhooks.rotate_secret(webhook.webhook_id, overlap_seconds=600)
    wharf.webhooks.test(webhook.webhook_id)
    headers, body = came.get(timeout=30)
    assert verify(body, headers, webhook.secret).event_id == verify(body, headers, rotated.secret).event_id
    wharf.webhooks.delete(webhook.webhook_id)
    with pytest.raises(SignatureError, match="no signature fits"):
        verify(body.replace(b"{", b"{ ", 1), headers, rotated.secret)
    with pytest.raises(SignatureError, match="no signature fits"):
        verify(body, headers, secret)
    with pytest.raises(SignatureError, match="five minutes"):
        verify(body, headers, rotated.secret, now=time.time() + 301)
    with pytest.raises(SignatureError, match="five minutes"):
        verify(body, headers, rotated.secret, now=time.time() - 400)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        with pytest.raises(SignatureError, match=name):
            verify(body, {one: value for one, value in headers.items() if one.lower() != name}, rotated.secret)


@pytest.mark.parametrize("signature", ["", "v1,", "v2,AAAA", "v1,é", "v1", "nonsense", "v1,AAAA v1a,BBBB"])
def test_what_is_no_signature_is_refused_and_breaks_nothing(signature: str) -> None:
    headers = {"Webhook-Id": "evt_1", "Webhook-Timestamp": "1700000000", "Webhook-Signature": signature}
    with pytest.raises(SignatureError, match="no signature fits"):
        verify(b"{}", headers, "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", now=1700000000)


def test_a_time_that_is_none_is_refused_and_a_secret_that_is_none_is_an_error_of_the_program() -> None:
    headers = {"webhook-id": "evt_1", "webhook-timestamp": "²", "webhook-signature": "v1,AAAA"}
    with pytest.raises(SignatureError, match="seconds"):
        verify(b"{}", headers, "whsec_AAAA")
    with pytest.raises(ValueError, match="whsec_"):
        verify(b"{}", {**headers, "webhook-timestamp": "1"}, "not Base64!", now=1)
