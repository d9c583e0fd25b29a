"""One websocket, spoken to frame by frame: for what no proper client would say."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import websockets

ANSWER_S: Final = 20.0


class Wire:
    """A station's socket, and nothing of a station's manners."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def say(self, message_id: str, action: str, payload: object) -> None:
        await self.socket.send(json.dumps([2, message_id, action, payload]))

    def shout(self, frames: Sequence[object]) -> None:
        """All of them in one write."""
        protocol = self.socket.protocol
        for frame in frames:
            protocol.send_text(json.dumps(frame).encode())
        self.socket.transport.write(b"".join(protocol.data_to_send()))

    async def heard(self, within_s: float = ANSWER_S) -> list[Any]:
        """The next frame that answers us; what the platform asks meanwhile is left alone."""
        async with asyncio.timeout(within_s):
            while True:
                frame: list[Any] = json.loads(await self.socket.recv())
                if frame[0] != 2:
                    return frame

    async def silent(self, for_s: float) -> bool:
        try:
            await self.heard(for_s)
        except TimeoutError:
            return True
        return False

    async def asked(self, message_id: str, action: str, payload: object) -> list[Any]:
        """Say it, and hear the answer."""
        await self.say(message_id, action, payload)
        return await self.heard()


@asynccontextmanager
async def wire(
    url: str, station: str, version: str, *, packed: bool = True
) -> AsyncGenerator[Wire]:
    """``packed``: whether frames may be compressed."""
    async with websockets.connect(
        f"{url}/{station}",
        subprotocols=[websockets.Subprotocol(f"ocpp{version}")],
        close_timeout=1,
        ping_interval=None,
        compression="deflate" if packed else None,
    ) as socket:
        yield Wire(socket)


def reading(at: str, wh: object, connector: object = 1) -> dict[str, object]:
    """A MeterValues payload of 1.6."""
    sampled = [{"timestamp": at, "sampledValue": [{"value": str(wh)}]}]
    return {"connectorId": connector, "meterValue": sampled}
