"""A sandbox for all tests, a key, and a phone that is linked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from wharf import Retry, Wharf
from wharf.models import SessionWithQr

# Each test says where it goes and as whom.
for variable in ("WHARF_URL", "WHARF_API_KEY"):
    os.environ.pop(variable, None)

#: Answers by itself, and reads at once.
ECHO = "15550001001"
#: Reads nothing and answers nothing.
SILENT = "15550001002"


@dataclass
class Sandbox:
    """What the sandbox said of itself once it was ready."""

    url: str
    control: str
    api_key: str
    operator_key: str

    def scan(self, session: SessionWithQr, phone: str) -> None:
        """A pretend phone scans the session's code."""
        httpx.post(f"{self.control}/control/scan", params={"phone": phone}, content=session.qr, timeout=30).raise_for_status()

    def phone(self, number: str) -> list[dict[str, Any]]:
        """What that phone really decrypted, oldest first."""
        shown = httpx.get(f"{self.control}/control/phones/{number}/messages", timeout=30).raise_for_status().json()
        ledger: list[dict[str, Any]] = shown["data"]
        return ledger

    def texts(self, number: str) -> list[str]:
        """The texts among them."""
        return [one["text"] for one in self.phone(number) if one["type"] == "text" and not one["fromMe"]]

    def fault(self, **rule: Any) -> None:
        """Has the network misbehave by this rule."""
        httpx.post(f"{self.control}/control/faults", json=rule, timeout=30).raise_for_status()


def program(name: str) -> str:
    """The path of one of the workspace's programs, which stand beside the sandbox."""
    sandbox = os.environ.get("WHARF_SANDBOX_BIN")
    assert sandbox, "WHARF_SANDBOX_BIN names no sandbox: run the tests by scripts/sdk-python/run"
    return str(Path(sandbox).with_name(name))


def started(folder: Path, name: str, *arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """A program and what it says on its first line."""
    with open(folder / f"{name}.log", "ab") as log:
        process = subprocess.Popen([program(name), "--json", *arguments], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail((folder / f"{name}.log").read_text())
    ready: dict[str, str] = json.loads(line)
    return process, ready


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    process, ready = started(folder, "wharf-sandbox", "--quiet", "--port", "0", "--data-dir", str(folder / "data"))
    try:
        yield Sandbox(ready["url"], ready["controlUrl"], ready["apiKey"], ready["operatorKey"])
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def wharf(sandbox: Sandbox) -> Iterator[Wharf]:
    with Wharf(sandbox.url, sandbox.api_key) as wharf:
        yield wharf


@pytest.fixture(scope="session")
def once(sandbox: Sandbox) -> Iterator[Wharf]:
    """A client that tries once."""
    with Wharf(sandbox.url, sandbox.api_key, retry=Retry(tries=1)) as wharf:
        yield wharf


@pytest.fixture(scope="session")
def operator(sandbox: Sandbox) -> Iterator[Wharf]:
    with Wharf(sandbox.url, sandbox.operator_key) as wharf:
        yield wharf


@pytest.fixture(scope="session")
def session_id(sandbox: Sandbox, wharf: Wharf) -> str:
    return paired(sandbox, wharf, "15550000001")


def paired(sandbox: Sandbox, wharf: Wharf, phone: str) -> str:
    """A connected session of that phone."""
    session = wharf.sessions.create(name="python")
    sandbox.scan(session, phone)
    return wharf.sessions.wait_until_connected(session).session_id
