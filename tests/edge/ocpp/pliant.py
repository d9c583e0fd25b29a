"""A station by hand that answers what it is asked of its device model, in each version's words."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tests.edge.ocpp.wire import Closed, Wire

CALL: Final = 2
PARTS: Final = 3
"""How many variables it tells in one part of a report."""


@dataclass
class Entry:
    """One variable: its name in 2.x, its key in 1.6, and what it is."""

    name: str
    value: str
    key: str = ""
    readonly: bool = False
    kind: str = "string"
    more: tuple[tuple[str, Any], ...] = ()
    """Characteristics, as 2.x spells them."""
    on_write: str = "Accepted"
    """What it says when it is told another value."""


class Pliant:
    """Answers in a task of its own; counts what it was asked."""

    def __init__(self, wire: Wire, version: str, entries: Iterable[Entry]) -> None:
        self.wire = wire
        self.version = version
        self.entries = list(entries)
        self.asked: list[str] = []
        self.networks: dict[int, dict[str, Any]] = {}
        self.silent = False
        self.stop_after_part: int | None = None
        self.refuses: str | None = None

    def entry(self, name: str) -> Entry | None:
        for entry in self.entries:
            if name.casefold() in (entry.name.casefold(), entry.key.casefold()):
                return entry
        return None

    def count(self, *actions: str) -> int:
        return sum(self.asked.count(action) for action in actions)

    async def run(self) -> None:
        """Answer until the line is cut."""
        try:
            while True:
                message = await self.wire.message()
                if message[0] == CALL:
                    self._answer(message[1], message[2], message[3])
        except (Closed, TimeoutError):
            return

    def boot(self, firmware: str = "1.0") -> None:
        """Say who it is."""
        if self.version == "1.6":
            who = {
                "chargePointVendor": "Acme",
                "chargePointModel": "One",
                "firmwareVersion": firmware,
            }
        else:
            station = {"vendorName": "Acme", "model": "Two", "firmwareVersion": firmware}
            who = {"reason": "PowerUp", "chargingStation": station}  # type: ignore[dict-item]
        self.wire.ask("BootNotification", who)

    def _answer(self, message_id: str, action: str, payload: dict[str, Any]) -> None:
        self.asked.append(action)
        if self.silent:
            return
        if self.refuses is not None:
            self.wire.refuse(message_id, self.refuses)
            return
        answer = getattr(self, f"_{action.lower()}")(payload)
        self.wire.answer(message_id, answer)
        if action == "GetBaseReport":
            self.report(payload["requestId"])

    # ---- 1.6 ----------------------------------------------------------------------------------

    def _getconfiguration(self, payload: dict[str, Any]) -> dict[str, Any]:
        wanted = payload.get("key")
        if not wanted:
            return {"configurationKey": [self._key(entry) for entry in self.entries if entry.key]}
        found = [self.entry(key) for key in wanted]
        return {
            "configurationKey": [self._key(entry) for entry in found if entry is not None],
            "unknownKey": [key for key, entry in zip(wanted, found, strict=True) if entry is None],
        }

    def _key(self, entry: Entry) -> dict[str, Any]:
        return {"key": entry.key, "readonly": entry.readonly, "value": entry.value}

    def _changeconfiguration(self, payload: dict[str, Any]) -> dict[str, Any]:
        entry = self.entry(payload["key"])
        if entry is None:
            return {"status": "NotSupported"}
        return {"status": self._write(entry, payload["value"])}

    def _write(self, entry: Entry, value: str) -> str:
        if entry.readonly:
            return "Rejected"
        if entry.on_write in ("Accepted", "RebootRequired"):
            entry.value = value
        return entry.on_write

    # ---- 2.x ----------------------------------------------------------------------------------

    def _getbasereport(self, _payload: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted"}

    def report(self, request_id: int, *, first: int = 0) -> None:
        """Tell all that it has, in parts; the gateway answers each."""
        parts = range(0, len(self.entries), PARTS)
        for number, start in enumerate(parts):
            if number < first:
                continue
            if self.stop_after_part is not None and number > self.stop_after_part:
                return
            data = [self._data(entry) for entry in self.entries[start : start + PARTS]]
            self.wire.ask(
                "NotifyReport",
                {
                    "requestId": request_id,
                    "generatedAt": "2026-03-01T12:00:00Z",
                    "seqNo": number,
                    "tbc": number < len(parts) - 1,
                    "reportData": data,
                },
            )

    def _data(self, entry: Entry) -> dict[str, Any]:
        attribute = {"value": entry.value, "persistent": True}
        if entry.readonly:
            attribute["mutability"] = "ReadOnly"
        return {
            **_named(entry.name),
            "variableAttribute": [attribute],
            "variableCharacteristics": {
                "dataType": entry.kind,
                "supportsMonitoring": True,
                **dict(entry.more),
            },
        }

    def _setvariables(self, payload: dict[str, Any]) -> dict[str, Any]:
        results = []
        for asked in payload["setVariableData"]:
            component, variable = asked["component"], asked["variable"]
            entry = self.entry(f"{component['name']}.{variable['name']}")
            status = "UnknownComponent"
            if entry is not None:
                status = self._write(entry, asked["attributeValue"])
            results.append(
                {"attributeStatus": status, "component": component, "variable": variable}
            )
        return {"setVariableResult": results}

    def _setnetworkprofile(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.networks[payload["configurationSlot"]] = payload["connectionData"]
        return {"status": "Accepted"}

    def _getvariables(self, payload: dict[str, Any]) -> dict[str, Any]:
        results = []
        for asked in payload["getVariableData"]:
            component, variable = asked["component"], asked["variable"]
            entry = self.entry(f"{component['name']}.{variable['name']}")
            result = {"component": component, "variable": variable}
            if entry is None:
                result["attributeStatus"] = "UnknownComponent"
            else:
                result |= {"attributeStatus": "Accepted", "attributeValue": entry.value}
            results.append(result)
        return {"getVariableResult": results}


def _named(name: str) -> dict[str, Any]:
    component, _, variable = name.partition(".")
    return {"component": {"name": component}, "variable": {"name": variable}}


async def answering(tasks: asyncio.TaskGroup, station: Pliant) -> None:
    """Have it answer from now on."""
    tasks.create_task(station.run())
