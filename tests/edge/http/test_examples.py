"""The document's examples: one for all that is asked and answered, and each fits its schema."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from tests.edge.http.described import described

JSON = "application/json"
# No JSON, or nothing at all.
WITHOUT = {"live", "watch_messages", "metrics"}


def contents() -> Iterator[tuple[str, Any]]:
    """What each operation takes and answers, by the operation's name."""
    for operations in described()["paths"].values():
        for operation in operations.values():
            name = operation["operationId"]
            if "requestBody" in operation:
                yield name, operation["requestBody"]["content"][JSON]
            for status, said in operation["responses"].items():
                if status.startswith("2") and JSON in said.get("content", {}):
                    yield f"{name} {status}", said["content"][JSON]


def complaints(schema: Any, value: object) -> list[str]:
    whole = {**schema, "components": described()["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_every_body_and_every_answer_has_one_that_fits() -> None:
    found = dict(contents())
    assert len(found) > 130
    wrong = {}
    for name, content in found.items():
        assert name.partition(" ")[0] in WITHOUT or "example" in content, name
        if faults := complaints(content["schema"], content["example"]):
            wrong[name] = faults
    assert wrong == {}


def test_every_named_part_of_a_path_has_one_that_fits() -> None:
    shown = 0
    for path, operations in described()["paths"].items():
        for operation in operations.values():
            for one in operation.get("parameters", ()):
                if one["in"] == "path":
                    assert "example" in one, (path, one["name"])
                if "example" in one:
                    shown += 1
                    assert not complaints(one["schema"], one["example"]), (path, one)
    assert shown > 100


@pytest.mark.parametrize("name", ["read_session 200", "list_tokens 200", "command_station"])
def test_examples_belong_together(name: str) -> None:
    example = dict(contents())[name]["example"]
    match name:
        case "read_session 200":
            assert (example["station"], example["token"]) == ("CP-OSLO-1", "04A2B3C4D5E680")
        case "list_tokens 200":
            assert example["items"][0]["uid"] == "04A2B3C4D5E680"
        case _:
            assert example["command"]
