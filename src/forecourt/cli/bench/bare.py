"""A bare Litestar handler: what the framework and the server cost, and so the API's yardstick.

It says the same bytes to everybody: no key, no database, nothing built. Run as a program, with the
file that holds the bytes.
"""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
import uvloop
from litestar import Litestar, Response, get


async def main(body: bytes) -> None:
    @get("/api/v1/stations", sync_to_thread=False)
    def page() -> Response[bytes]:
        return Response(body, media_type="application/json")

    listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    app = Litestar([page], logging_config=None, openapi_config=None)
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    serving = uvicorn.Server(config).serve(sockets=[listening])
    async with asyncio.TaskGroup() as group:
        group.create_task(serving)
        print(f"ready http=http://127.0.0.1:{listening.getsockname()[1]}", flush=True)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]).read_bytes()))
