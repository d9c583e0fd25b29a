"""The bare picows echo: what the sockets alone cost, and so the yardstick of the others.

It sends back the frame that it got. Run as a program: one server, one loop, no thread.
"""

from typing import cast

import uvloop
from picows import WSFrame, WSListener, WSTransport, WSUpgradeRequest, ws_create_server

# Ten thousand may knock at once; the kernel cuts this to its own limit.
BACKLOG = 16_384


class Echo(WSListener):
    """Says what it hears."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        transport.send(frame.msg_type, frame.get_payload_as_memoryview())


def accept(_: WSUpgradeRequest) -> WSListener:
    return Echo()


async def main() -> None:
    server = await ws_create_server(accept, "127.0.0.1", 0, backlog=BACKLOG)
    port = cast("int", server.sockets[0].getsockname()[1])
    print(f"ready ocpp=ws://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
