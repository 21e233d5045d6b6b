"""Sends many texts at the same time and waits for each. WHARF_URL, WHARF_API_KEY, SESSION and TO say where and whom."""

import os

import anyio

from wharf import AsyncWharf


async def main() -> None:
    """All of them, five at a time."""
    at_once = anyio.CapacityLimiter(5)

    async def send(number: int) -> None:
        async with at_once:
            message = await wharf.messages.send_text(session_id=os.environ["SESSION"], to=os.environ["TO"], text=f"number {number}")
            print(number, (await wharf.messages.wait_until(message, "delivered")).status)

    async with AsyncWharf() as wharf, anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(send, number)


anyio.run(main)
