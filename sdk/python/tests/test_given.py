"""What a program gives the client and a call: refused at once where it cannot be meant or sent, and never asked again and again."""

from __future__ import annotations

from typing import Type, Union

import httpx
import pytest

from wharf import AsyncWharf, ConfigurationError, Wharf, WharfError

Client = Type[Union[Wharf, AsyncWharf]]
both = pytest.mark.parametrize("client", [Wharf, AsyncWharf])


def refused(error: WharfError, option: str) -> None:
    """It is the refusal of what was given, and says which it was."""
    assert isinstance(error, ConfigurationError)
    assert (error.code, error.option, error.retryable) == ("configuration_error", option, False), str(error)
    assert error.friendly().endswith(".")


def nobody(request: httpx.Request) -> httpx.Response:
    pytest.fail(f"it was sent: {request.url}")


STRANGE = ["", "localhost:8080", "127.0.0.1:8080", "wharf.example.com", "//wharf.example.com", "/wharf", "ftp://wharf.example.com"]
STRANGE += ["http://", "http://a b", "http://here\n", " http://here", "http://here:port", "http://me:word@here", "http://@here"]
STRANGE += ["http://here/?key=1", "http://here/#docs", "https://here?"]


@both
@pytest.mark.parametrize("address", STRANGE)
def test_an_address_that_cannot_be_meant_is_refused_at_once(client: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as given:
        client(address)
    refused(given.value, "base_url")
    if address:
        monkeypatch.setenv("WHARF_URL", address)
        with pytest.raises(ConfigurationError) as said:
            client()
        refused(said.value, "WHARF_URL")


@pytest.mark.parametrize(
    "address, asked",
    [
        ("http://wharf.test", "http://wharf.test/healthz"),
        ("https://wharf.test/", "https://wharf.test/healthz"),
        ("http://wharf.test:8080/wa//", "http://wharf.test:8080/wa/healthz"),
        ("http://[::1]:8080", "http://[::1]:8080/healthz"),
    ],
)
def test_an_address_may_have_a_path_and_slashes_at_its_end(address: str, asked: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={"success": True, "data": {"status": "ok"}})

    Wharf(address, http=httpx.Client(transport=httpx.MockTransport(answer))).server.get_health()
    assert seen == [asked]


@both
@pytest.mark.parametrize("key", ["", " ", "wharf live", "wharf_live_\n", "wharf_live_ü", "ключ", "wharf_live_\x00"])
def test_a_key_that_cannot_be_sent_is_refused_at_once_and_not_told(client: Client, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as given:
        client("http://wharf.test", key)
    refused(given.value, "api_key")
    assert not key.strip() or key not in str(given.value)
    # The environment cannot hold a zero.
    if key and "\x00" not in key:
        monkeypatch.setenv("WHARF_API_KEY", key)
        with pytest.raises(ConfigurationError) as said:
            client("http://wharf.test")
        refused(said.value, "WHARF_API_KEY")


@both
def test_an_empty_variable_says_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHARF_URL", "")
    monkeypatch.setenv("WHARF_API_KEY", "")
    settings = client()._settings
    assert (settings.base_url, settings.api_key) == ("http://127.0.0.1:8080", None)


@pytest.mark.parametrize("key", ["", "order 1", "order-1\n", "заказ-1"])
def test_an_idempotency_key_that_cannot_be_sent_is_refused_and_not_tried(key: str) -> None:
    wharf = Wharf("http://wharf.test", "KEY", http=httpx.Client(transport=httpx.MockTransport(nobody)))
    with pytest.raises(ConfigurationError) as given:
        wharf.messages.send_text(session_id="ses_1", to="1", text="x", idempotency_key=key)
    refused(given.value, "idempotency_key")


@pytest.mark.parametrize("kind", ["text/ключ", "text/plain\nX-Evil: 1", " text/plain"])
def test_a_content_type_that_cannot_be_sent_is_refused_and_not_tried(kind: str) -> None:
    wharf = Wharf("http://wharf.test", "KEY", http=httpx.Client(transport=httpx.MockTransport(nobody)))
    with pytest.raises(ConfigurationError) as given:
        wharf.media.upload(b"x", content_type=kind)
    refused(given.value, "Content-Type")
