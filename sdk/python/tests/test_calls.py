"""Waiting, paging, files, and that every operation is there."""

from __future__ import annotations

import inspect
import io
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from conftest import ECHO, SILENT, Sandbox

import wharf as package
from wharf import UNSET, AsyncWharf, MessageFailedError, WaitTimeoutError, Wharf
from wharf._codec import decode, encode
from wharf.models import ContactCard, Details, Message, PutPace

HERE = Path(__file__).parent


def method_of(tag: str, operation: str) -> tuple[str, str]:
    """Where an operation is called, by the rule that the README tells."""
    own = {"admin": {"admin"}, "keys": {"api", "key", "keys"}}.get(tag, {tag, tag.rstrip("s")})
    return "server" if tag == "open" else tag, "_".join(word for word in operation.split("_") if word not in own)


def operations(wharf: Wharf) -> list[tuple[str, str, dict[str, Any]]]:
    """The group, the name and the row of every operation that the server has."""
    paths: dict[str, dict[str, Any]] = wharf.server.get_openapi()["paths"]
    return [(*method_of(op["tags"][0], op["operationId"]), op) for path in paths.values() for op in path.values()]


def test_every_operation_of_the_server_is_a_method_of_both_clients_and_says_what_it_does(sandbox: Sandbox, wharf: Wharf) -> None:
    later = AsyncWharf(sandbox.url)
    all_of_them = operations(wharf)
    assert len(all_of_them) > 90
    for group, name, op in all_of_them:
        for client in (wharf, later):
            method = getattr(getattr(client, group), name)
            told = inspect.getdoc(method) or ""
            assert told and "\n" in told or not op.get("parameters"), f"{group}.{name}"
        if any(one["name"] == "Idempotency-Key" for one in op.get("parameters", [])):
            assert "idempotency_key" in inspect.signature(method).parameters, f"{group}.{name}"


def test_a_list_is_read_page_after_page(sandbox: Sandbox, wharf: Wharf, session_id: str) -> None:
    reference = uuid.uuid4().hex
    for number in range(7):
        wharf.messages.send_text(session_id=session_id, to=SILENT, text=str(number), reference=reference)
    pages = wharf.messages.list(reference=reference, limit=3)
    assert [message.text for message in pages] == list("6543210")
    assert [len(page.data) for page in pages.pages()] == [3, 3, 1]
    first = pages.page()
    assert [message.text for message in wharf.messages.list(reference=reference, limit=3, cursor=first.next)] == list("3210")

    async def awaited() -> list[str | None]:
        async with AsyncWharf(sandbox.url, sandbox.api_key) as later:
            return [message.text async for message in later.messages.list(reference=reference, limit=3)]

    assert anyio.run(awaited) == list("6543210")


def test_a_message_is_waited_for(sandbox: Sandbox, wharf: Wharf, session_id: str) -> None:
    sent = wharf.messages.send_text(session_id=session_id, to=ECHO, text="to be read")
    assert wharf.messages.wait_until(sent, "read").status == "read"
    unread = wharf.messages.send_text(session_id=session_id, to=SILENT, text="never read")
    with pytest.raises(WaitTimeoutError) as late:
        wharf.messages.wait_until(unread.message_id, "read", timeout=1)
    assert late.value.last.message_id == unread.message_id and late.value.friendly()
    refused = wharf.messages.send_text(session_id=session_id, to="15550007479", text="refused", async_=True)
    with pytest.raises(MessageFailedError) as failed:
        wharf.messages.wait_until(refused, "sent")
    assert failed.value.code == "message_sending_failed" and failed.value.message.status == "failed"

    async def awaited() -> Message:
        async with AsyncWharf(sandbox.url, sandbox.api_key) as later:
            return await later.messages.wait_until(await later.messages.send_text(session_id=session_id, to=ECHO, text="x"), "read")

    assert anyio.run(awaited).status == "read"


def test_a_dry_run_has_a_type_of_its_own(wharf: Wharf, session_id: str) -> None:
    dry = wharf.messages.send_text(session_id=session_id, to=ECHO, text="x", dry_run=True)
    assert dry.dry_run and dry.status == "sent" and not hasattr(dry, "message_id")


def test_a_file_goes_in_parts_and_comes_back_the_same(sandbox: Sandbox, wharf: Wharf, session_id: str, tmp_path: Path) -> None:
    written = os.urandom(300_000)
    path = tmp_path / "Übersicht 1.bin"
    path.write_bytes(written)
    told: list[tuple[int, int | None]] = []
    stored = wharf.media.upload(path, progress=lambda done, size: told.append((done, size)))
    assert told == [(65536, 300000), (131072, 300000), (196608, 300000), (262144, 300000), (300000, 300000)]
    assert (stored.file_name, stored.size_bytes, stored.media_type) == (path.name, 300_000, "document")
    assert wharf.media.get(stored.media_id) == written
    assert wharf.media.download(stored.media_id, tmp_path / "back") == 300_000 and (tmp_path / "back").read_bytes() == written
    message = wharf.messages.send_media(session_id=session_id, to=SILENT, media_type="document", media_id=stored.media_id)
    assert message.size_bytes == 300_000
    with open(path, "rb") as file:
        file.seek(299_990)
        assert wharf.media.upload(file, file_name="end.bin").size_bytes == 10
    assert wharf.media.upload(b'{"a": 1}', file_name="data.json").mime_type == "application/json"

    async def awaited() -> tuple[str, int, bytes]:
        async with AsyncWharf(sandbox.url, sandbox.api_key) as later:
            stored = await later.media.upload(path)
            await later.media.download(stored.media_id, tmp_path / "later")
            return stored.sha256, stored.size_bytes, await later.media.get(stored.media_id)

    assert anyio.run(awaited) == (stored.sha256, 300_000, written) and (tmp_path / "later").read_bytes() == written


class Breaking(httpx.HTTPTransport):
    """Breaks the first uploads after their first parts, and the first downloads in the middle."""

    def __init__(self, uploads: int, downloads: int):
        super().__init__()
        self.uploads, self.downloads, self.asked = uploads, downloads, list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.method == "POST" and self.uploads:
            self.uploads -= 1
            assert isinstance(request.stream, httpx.SyncByteStream)
            next(iter(request.stream))
            raise httpx.WriteError("broken", request=request)
        response = super().handle_request(request)
        if request.method == "GET" and self.downloads:
            self.downloads -= 1
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = Half(response.stream)
        return response


class Half(httpx.SyncByteStream):
    def __init__(self, whole: httpx.SyncByteStream):
        self._whole = whole

    def __iter__(self) -> Any:
        yield next(iter(self._whole))[:1000]
        raise httpx.ReadError("broken")

    def close(self) -> None:
        self._whole.close()


def test_a_broken_upload_begins_anew_and_a_broken_download_goes_on(sandbox: Sandbox, tmp_path: Path) -> None:
    written = os.urandom(200_000)
    transport = Breaking(uploads=2, downloads=2)
    with httpx.Client(transport=transport) as http:
        wharf = Wharf(sandbox.url, sandbox.api_key, http=http)
        stored = wharf.media.upload(io.BytesIO(written), file_name="x.bin")
        assert stored.size_bytes == 200_000
        wharf.media.download(stored.media_id, tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == written
        assert [request.headers.get("range") for request in transport.asked[3:]] == [None, "bytes=1000-", "bytes=2000-"]
        assert len({request.headers["idempotency-key"] for request in transport.asked[:3]}) == 1
        # What cannot be read again is not sent in part.
        transport.uploads = 1
        reading, writing = os.pipe()
        os.write(writing, b"once")
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe, pytest.raises(package.NetworkError):
            wharf.media.upload(pipe)


def test_a_change_tells_what_is_left_from_what_is_taken_away(operator: Wharf, wharf: Wharf, session_id: str) -> None:
    assert wharf.sessions.update(session_id, name="renamed").name == "renamed"
    assert encode({"a": None, "b": UNSET, "c": 1}) == {"c": 1}
    assert encode({"a": None, "b": UNSET, "c": 1}, keep_null=True) == {"a": None, "c": 1}
    assert encode(ContactCard(name="A", phone_numbers=["1"])) == {"name": "A", "phoneNumbers": ["1"]}
    plan = operator.admin.set_plan("paced", calls_per_minute=5, concurrent_requests=2, pace=PutPace(messages_per_minute=7))
    assert plan.pace.messages_per_minute == 7 and plan.messages_per_day is None


def test_a_log_in_is_its_cookie(sandbox: Sandbox, wharf: Wharf) -> None:
    password = f"not guessed {uuid.uuid4()}"
    user = wharf.users.create(name=f"ada{uuid.uuid4().hex[:8]}", password=password, role="member")
    with Wharf(sandbox.url) as person:
        login = person.users.create_login(name=user.name, password=password)
        assert person.users.get_current_login().login_id == login.login_id
        assert person.account.get().account_id == user.account_id
        person.users.delete_current_login()
        with pytest.raises(package.AuthenticationError):
            person.account.get()


def test_what_has_no_value_is_not_shown() -> None:
    assert repr(ContactCard(name="A", phone_numbers=["1"])) == "ContactCard(name='A', phone_numbers=['1'])"


def test_members_that_are_not_known_are_left_out_and_words_that_are_not_come_as_they_are() -> None:
    details = decode(Details, {"field": "to", "newer": {"a": 1}, "resetAt": "2026-01-15T09:00:00.500Z"})
    assert details.field == "to" and details.reset_at is not None and details.reset_at.isoformat() == "2026-01-15T09:00:00.500000+00:00"


def test_the_readme_runs_as_it_stands(sandbox: Sandbox, session_id: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (HERE.parent / "README.md").read_text("utf-8"), re.S)
    assert len(blocks) == 6 and len(blocks[0].splitlines()) == 6, "the promised example takes six lines"
    env = {**os.environ, "WHARF_URL": sandbox.url, "WHARF_API_KEY": sandbox.api_key, "SESSION": session_id}
    printed = []
    for block in blocks:
        ran = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
        assert ran.returncode == 0, block + ran.stderr
        printed.append(ran.stdout.strip())
    # A program that tells people what went wrong ends well too.
    assert printed[0] in ("sent", "delivered", "read"), printed[0]
    assert printed[4].startswith("invalid_phone_number to "), printed[4]


@pytest.mark.parametrize("example", sorted(path.name for path in (HERE.parent / "examples").glob("*.py")))
def test_every_example_runs(example: str, sandbox: Sandbox, session_id: str, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(bytes.fromhex(PIXEL))
    env = {**os.environ, "WHARF_URL": sandbox.url, "WHARF_API_KEY": sandbox.api_key, "SESSION": session_id, "TO": ECHO}
    arguments = [sys.executable, str(HERE.parent / "examples" / example)]
    ran = subprocess.run(arguments, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0 and ran.stdout, ran.stdout + ran.stderr


def test_the_version_is_that_of_the_server(wharf: Wharf) -> None:
    assert package.__version__ == wharf.server.get_openapi()["info"]["version"]


PIXEL = (
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
