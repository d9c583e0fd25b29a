"""A CSMS as the PyPI package `ocpp` over `websockets` makes one: default validation, no storage.

Run as a program; it is measured beside us and is no part of the product. uvloop and a quiet logger
are the best foot that it can put forward without a change to the package.
"""

import base64
import itertools
import logging
import sys
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import uvloop
from ocpp.routing import on  # type: ignore[import-untyped]  # ships no types
from ocpp.v16 import ChargePoint as Station16  # type: ignore[import-untyped]  # as above
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Station201  # type: ignore[import-untyped]  # as above
from ocpp.v201 import call_result as result201
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

INTERVAL_S = 3600
transactions = itertools.count(1)


def stamp() -> str:
    return datetime.now(UTC).isoformat()  # noqa: TID251  # a program of its own, outside the house


class Csms16(Station16):  # type: ignore[misc]  # the package is untyped
    """OCPP 1.6."""

    @on("BootNotification")  # type: ignore[untyped-decorator]  # as above
    def on_boot(self, **_: Any) -> Any:
        return result16.BootNotification(
            current_time=stamp(), interval=INTERVAL_S, status="Accepted"
        )

    @on("StartTransaction")  # type: ignore[untyped-decorator]  # as above
    def on_start(self, **_: Any) -> Any:
        return result16.StartTransaction(
            transaction_id=next(transactions), id_tag_info={"status": "Accepted"}
        )

    @on("MeterValues")  # type: ignore[untyped-decorator]  # as above
    def on_meter_values(self, **_: Any) -> Any:
        return result16.MeterValues()

    @on("StopTransaction")  # type: ignore[untyped-decorator]  # as above
    def on_stop(self, **_: Any) -> Any:
        return result16.StopTransaction()


class Csms201(Station201):  # type: ignore[misc]  # as above
    """OCPP 2.0.1."""

    @on("BootNotification")  # type: ignore[untyped-decorator]  # as above
    def on_boot(self, **_: Any) -> Any:
        return result201.BootNotification(
            current_time=stamp(), interval=INTERVAL_S, status="Accepted"
        )

    @on("TransactionEvent")  # type: ignore[untyped-decorator]  # as above
    def on_event(self, **_: Any) -> Any:
        return result201.TransactionEvent()


async def converse(connection: ServerConnection) -> None:
    assert connection.request is not None
    identity = connection.request.path.rsplit("/", 1)[-1]
    kind = Csms16 if connection.subprotocol == "ocpp1.6" else Csms201
    try:
        await kind(identity, connection).start()
    except ConnectionClosed:
        return


async def main(password: str) -> None:
    def check(connection: ServerConnection, request: Request) -> Response | None:
        identity = request.path.rsplit("/", 1)[-1]
        expected = base64.b64encode(f"{identity}:{password}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")
        return None

    server = await serve(
        converse,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")],
        process_request=check,
        compression=None,
        ping_interval=None,
    )
    port = next(iter(server.sockets)).getsockname()[1]
    print(f"ready ocpp=ws://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    logging.getLogger("ocpp").setLevel(logging.ERROR)
    uvloop.run(main(sys.argv[1]))
