"""The gateway dies again and again under a program without a line of error handling: each text is shown once, each event comes once.

`WHARF_WHOLE=1` makes it 1,000 texts and ten deaths.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import subprocess
import threading
from pathlib import Path

import httpx
from conftest import SILENT, Sandbox, paired, started

from wharf import Wharf

TEXTS, DEATHS = (1000, 10) if os.environ.get("WHARF_WHOLE") else (60, 3)


class Program(threading.Thread):
    """What a user writes: sends, listens, and knows nothing of servers that die."""

    def __init__(self, wharf: Wharf, session_id: str):
        super().__init__(daemon=True)
        self.wharf, self.session_id = wharf, session_id
        self.events = wharf.events.listen(["message.sent"])
        self.sent: list[str] = []
        self.told: list[str] = []

    def run(self) -> None:
        for number in range(TEXTS):
            self.sent.append(self.wharf.messages.send_text(session_id=self.session_id, to=SILENT, text=str(number), async_=True).message_id)

    def listen(self) -> None:
        for event in itertools.islice(self.events, TEXTS):
            self.told.append(event.data.message_id)  # type: ignore[union-attr]


def free_port() -> int:
    """One below those that the system gives to whoever asks for any: nobody else gets it while the gateway is dead."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Gateway:
    """A gateway at one port over all its lives, on a network that lives on."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._port = free_port()
        self._network, network = started(folder, "wharf-sim", "--port", "0", "--data-dir", str(folder / "network"))
        self._arguments = ("--quiet", "--port", str(self._port), "--control-port", "0", "--data-dir", str(folder / "data"), "--network", network["url"])
        self.process: subprocess.Popen[bytes]
        self.sandbox = Sandbox("", network["controlUrl"], "", "")

    def live(self) -> None:
        self.process, ready = started(self._folder, "wharf-sandbox", *self._arguments)
        self.sandbox = Sandbox(ready["url"], self.sandbox.control, ready["apiKey"], ready["operatorKey"])

    def die(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        for process in (self.process, self._network):
            process.kill()
            process.wait()


def test_each_text_is_shown_once_and_each_event_comes_once_although_the_gateway_dies(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.live()
    try:
        wharf = Wharf(gateway.sandbox.url, gateway.sandbox.api_key)
        session_id = paired(gateway.sandbox, wharf, "15550000001")
        program = Program(wharf, session_id)
        listening = threading.Thread(target=program.listen, daemon=True)
        listening.start()
        program.start()
        for death in range(1, DEATHS + 1):
            while len(program.sent) < death * TEXTS // (DEATHS + 1):
                assert program.is_alive() or len(program.sent) == TEXTS, f"it ended with {len(program.sent)} sent"
                program.join(0.01)
            gateway.die()
            gateway.live()
        program.join(300)
        assert len(program.sent) == len(set(program.sent)) == TEXTS
        for message_id in program.sent:
            wharf.messages.wait_until(message_id, "sent")
        listening.join(300)
        assert sorted(program.told) == sorted(program.sent), "each event once"
        ledger = httpx.get(f"{gateway.sandbox.control}/control/phones/{SILENT}/messages", timeout=60).json()["data"]
        assert sorted(int(one["text"]) for one in ledger) == list(range(TEXTS))
        assert all(one["shown"] == 1 for one in ledger)
    finally:
        gateway.end()
