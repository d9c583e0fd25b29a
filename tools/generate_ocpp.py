"""Generate src/forecourt/protocol/ocpp/v16, v201, v21 from the JSON schemas in PyPI's ``ocpp``.

    python tools/generate_ocpp.py           write the files
    python tools/generate_ocpp.py --check   fail if the committed files differ from that

Names and constraints are taken from the schemas; prose is not. What the schemas do not say (names
of 1.6's nested types, who sends what) or say wrongly stands in ocpp_schemas.toml, each with its
reason. Must not know how the messages are used.
"""

import argparse
import importlib.metadata
import importlib.resources
import json
import keyword
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Schema = dict[str, Any]

OUT: Final = Path(__file__).parent.parent / "src" / "forecourt" / "protocol" / "ocpp"

SUBPROTOCOLS: Final = {"v16": "ocpp1.6", "v201": "ocpp2.0.1", "v21": "ocpp2.1"}

TABLES: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("ocpp_schemas.toml").read_text("utf-8")
)
PLACES_16: Final = {place: name for name, places in TABLES["names_16"].items() for place in places}
BOTH_WAYS: Final = frozenset({"DataTransfer"})
FROM_STATION: Final = {version: frozenset(them) for version, them in TABLES["from_station"].items()}
# A newer version's stations send all that the older's did.
INHERITS: Final = {"v21": "v201"}

# Names of ours that a type of the specification would hide.
HIDDEN_NAMES: Final = frozenset(
    {"Message", "DataType", "CustomData", "Moment", "Maybe", "Meta", "Integer"}
)


class UnknownShapeError(Exception):
    """A schema holds something that this tool does not understand; it must never guess."""


# --- The model of one version ---------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """One property of an object."""

    wire: str
    type: str
    required: bool

    @property
    def name(self) -> str:
        return snake(self.wire)

    def line(self) -> str:
        named = camel(self.name) != self.wire
        if self.required:
            default = f' = field(name="{self.wire}")' if named else ""
            return f"    {self.name}: {self.type}{default}"
        default = f'field(default=None, name="{self.wire}")' if named else "None"
        return f"    {self.name}: Maybe[{self.type}] = {default}"


@dataclass
class Version:
    """Everything that one version's schemas define, under the names it gets here."""

    name: str
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    scalars: dict[str, str] = field(default_factory=dict)
    datatypes: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    messages: dict[str, tuple[Field, ...]] = field(default_factory=dict)


def snake(wire: str) -> str:
    if wire in TABLES["snake_names"]:
        return str(TABLES["snake_names"][wire])
    text = wire
    for word, plain in TABLES["snake_words"].items():
        text = text.replace(word, plain)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()
    return f"{text}_" if keyword.iskeyword(text) else text


def camel(name: str) -> str:
    """How msgspec renames a field under ``rename="camel"``."""
    first, *rest = name.split("_")
    return first + "".join(
        word.title() if word.isalpha() else word[:1].upper() + word[1:] for word in rest
    )


class Reader:
    """Reads the schemas of one version into a Version."""

    def __init__(self, version: str) -> None:
        self.version = Version(version)
        self.schemas = dict(read_schemas(version))
        self._definitions: dict[str, Schema] = {}

    def read(self) -> Version:
        for name, schema in self.schemas.items():
            self._definitions = schema.get("definitions", {})
            self.version.messages[name] = self._fields(name, schema)
        clash = HIDDEN_NAMES & {
            *self.version.datatypes,
            *self.version.messages,
            *self.version.enums,
        }
        if clash:
            raise UnknownShapeError(f"names that hide ours: {clash}")
        return self.version

    def _fields(self, owner: str, schema: Schema) -> tuple[Field, ...]:
        if schema.get("additionalProperties") is not False:
            raise UnknownShapeError(f"{owner} is open: {schema.get('additionalProperties')}")
        required = set(schema.get("required", ()))
        fields = [
            Field(wire, self._type(owner, wire, body), wire in required)
            for wire, body in schema.get("properties", {}).items()
        ]
        # What must be there comes first, in the schema's order; what only vendors use comes last.
        return tuple(sorted(fields, key=lambda f: (not f.required, f.wire == "customData")))

    def _type(self, owner: str, wire: str, body: Schema) -> str:
        place = f"{owner}.{wire}"
        if "$ref" in body:
            return self._named(body["$ref"].rpartition("/")[2])
        if body.get("type") == "array":
            return self._array(owner, wire, body)
        if body.get("type") == "object":
            return self._datatype(PLACES_16[place], body)
        if "enum" in body:
            return self._enum(PLACES_16[place], body)
        return self._leaf(place, body)

    def _leaf(self, place: str, body: Schema) -> str:
        match body.get("type"):
            case "string":
                return self._string(body)
            case "integer" | "number" as kind:
                return self._number(kind, body)
            case "boolean":
                return "bool"
            case None if not set(body) - {"description"}:
                return "JSON"
        raise UnknownShapeError(f"{place}: {body}")

    def _named(self, definition: str) -> str:
        if definition == "CustomDataType":
            return "CustomData"
        body = self._definitions[definition]
        name = definition.removesuffix("Type")
        if name in self.schemas:
            name = definition
        return self._enum(name, body) if "enum" in body else self._datatype(name, body)

    def _datatype(self, name: str, body: Schema) -> str:
        fields = self._fields(name, body)
        known = self.version.datatypes.setdefault(name, fields)
        if set(known) != set(fields):
            raise UnknownShapeError(f"two kinds of {name}: {known} and {fields}")
        return name

    def _enum(self, name: str, body: Schema) -> str:
        members = tuple(body["enum"])
        known = self.version.enums.setdefault(name, members)
        if set(known) != set(members):
            if f"{self.version.name}.{name}" not in TABLES["united_enums"]:
                raise UnknownShapeError(f"two kinds of {name}: {known} and {members}")
            self.version.enums[name] = (*known, *(m for m in members if m not in known))
        return name

    def _array(self, owner: str, wire: str, body: Schema) -> str:
        items = self._type(owner, wire, body["items"])
        low = body.get("minItems")
        if f"{self.version.name}.{owner}.{wire}" in TABLES["looser_min_items"]:
            low = None
        high = body.get("maxItems")
        bounds = [f"min_length={low}"] * (low is not None) + [f"max_length={high}"] * (
            high is not None
        )
        plain = f"tuple[{items}, ...]"
        return f"Annotated[{plain}, Meta({', '.join(bounds)})]" if bounds else plain

    def _string(self, body: Schema) -> str:
        match body.get("format"):
            case "date-time":
                return "Moment"
            case None | "uri":
                pass
            case other:
                raise UnknownShapeError(f"format {other}")
        if "maxLength" not in body:
            return "str"
        length = body["maxLength"]
        return self._scalar(f"String{length}", f"Annotated[str, Meta(max_length={length})]")

    def _number(self, kind: str, body: Schema) -> str:
        plain, word = ("int", "Int") if kind == "integer" else ("float", "Number")
        low, high = body.get("minimum"), body.get("maximum")
        if low is None and high is None:
            return "Integer" if plain == "int" else plain
        bounds = []
        if low is not None:
            bounds.append(f"ge={int(low)}")
        if high is not None:
            bounds.append(f"le={int(high)}")
        elif plain == "int":
            bounds.append("le=2**63 - 1")
        if low is None and plain == "int":
            bounds.insert(0, "ge=-(2**63)")
        if low is not None and high is not None:
            name = f"{word}{int(low)}To{int(high)}"
        else:
            name = f"{word}Min{int(low)}" if low is not None else f"{word}Max{int(high or 0)}"
        return self._scalar(name, f"Annotated[{plain}, Meta({', '.join(bounds)})]")

    def _scalar(self, name: str, meaning: str) -> str:
        self.version.scalars[name] = meaning
        return name


def read_schemas(version: str) -> Iterator[tuple[str, Schema]]:
    """(name, schema) of every message; a request has its action's name, without "Request"."""
    folder = importlib.resources.files("ocpp") / version / "schemas"
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".json"):
            schema: Schema = json.loads(path.read_text("utf-8-sig"))
            yield path.name.removesuffix(".json").removesuffix("Request"), schema


# --- Writing --------------------------------------------------------------------------------------


def header(version: str, says: str, *, imports: Iterable[str] = ()) -> list[str]:
    made_from = f"the JSON schemas in ocpp {importlib.metadata.version('ocpp')}"
    return [
        f"# Generated by tools/generate_ocpp.py from {made_from}; do not edit.",
        f'"""OCPP {SUBPROTOCOLS[version].removeprefix("ocpp")}: {says}"""',
        "",
        *imports,
        "",
    ]


def write_enums(version: Version) -> list[str]:
    lines = header(
        version.name,
        "words that a field may hold. Knows no messages.",
        imports=["from typing import Literal"],
    )
    for name, members in sorted(version.enums.items()):
        words = ", ".join(json.dumps(member) for member in members)
        lines += [f"{name} = Literal[{words},]", ""]
    return lines


def write_scalars(version: Version) -> list[str]:
    lines = header(
        version.name,
        "texts and numbers with their limits. Knows no messages.",
        imports=["from typing import Annotated", "from msgspec import Meta"],
    )

    def by_number(item: tuple[str, str]) -> tuple[str, int]:
        return re.sub(r"\d+", "", item[0]), int(re.findall(r"\d+", item[0])[-1])

    return lines + [
        f"{name} = {meaning}" for name, meaning in sorted(version.scalars.items(), key=by_number)
    ]


def write_structs(
    version: Version, base: str, structs: dict[str, tuple[Field, ...]], says: str
) -> list[str]:
    body: list[str] = []
    for name, fields in structs.items():
        body += ["", "", f"class {name}({base}, frozen=True, kw_only=True):"]
        body += [f.line() for f in fields] or ["    pass"]
    used = set(re.findall(r"\w+", " ".join(line for line in body if line.startswith("    "))))
    used.add(base)
    here = f"forecourt.protocol.ocpp.{version.name}"
    sources = {
        "typing": {"Annotated"},
        "msgspec": {"Meta", "field"},
        "forecourt.protocol.ocpp.values": {
            "JSON",
            "CustomData",
            "DataType",
            "Integer",
            "Maybe",
            "Message",
            "Moment",
        },
        f"{here}.enums": set(version.enums),
        f"{here}.scalars": set(version.scalars),
        f"{here}.datatypes": set(version.datatypes) if base == "Message" else set(),
    }
    imports = [
        f"from {module} import {', '.join(sorted(names & used))}"
        for module, names in sources.items()
        if names & used
    ]
    return [*header(version.name, says, imports=imports), *body]


def in_order(structs: dict[str, tuple[Field, ...]]) -> dict[str, tuple[Field, ...]]:
    """Definitions before their uses, by name otherwise."""
    done: dict[str, tuple[Field, ...]] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for each in structs[name]:
            for word in re.findall(r"\w+", each.type):
                if word in structs:
                    visit(word)
        done[name] = structs[name]

    for name in sorted(structs):
        visit(name)
    return done


def write_front(version: Version) -> list[str]:
    here = f"forecourt.protocol.ocpp.{version.name}"
    groups = {
        "enums": set(version.enums),
        "datatypes": set(version.datatypes),
        "messages": set(version.messages),
    }
    imports = [
        f"from {here}.{module} import {', '.join(sorted(names))}"
        for module, names in groups.items()
    ]
    if version.name != "v16":
        imports.append("from forecourt.protocol.ocpp.values import CustomData")
    everything = {"DIALECT", *version.enums, *version.datatypes, *version.messages}
    if version.name != "v16":
        everything.add("CustomData")
    lines = header(
        version.name,
        "every message and data type, and the dialect.",
        imports=["from forecourt.protocol.ocpp.dialect import Dialect", *imports],
    )
    answered = [n for n in version.messages if f"{n}Response" in version.messages]
    sends = [n for n in version.messages if not n.endswith("Response") and n not in answered]
    station = FROM_STATION[version.name] | FROM_STATION.get(
        INHERITS.get(version.name, ""), frozenset()
    )
    unknown = (station | BOTH_WAYS) - {*answered, *sends}
    if unknown:
        raise UnknownShapeError(f"a station cannot send {unknown}")
    from_station = sorted(station | BOTH_WAYS)
    from_csms = sorted(({*answered, *sends} - station) | BOTH_WAYS)

    lines += [
        "DIALECT = Dialect(",
        f'    subprotocol="{SUBPROTOCOLS[version.name]}",',
        "    requests={",
    ]
    lines += [f'        "{name}": {name},' for name in answered]
    lines += ["    },", "    responses={"]
    lines += [f'        "{name}": {name}Response,' for name in answered]
    lines += ["    },", "    sends={"]
    lines += [f'        "{name}": {name},' for name in sends]
    lines += ["    },"]
    for name, actions in {"from_station": from_station, "from_csms": from_csms}.items():
        lines += [f"    {name}=frozenset(", "        {", *(f'            "{a}",' for a in actions)]
        lines += ["        }", "    ),"]
    lines += [")", "", "__all__ = ["]
    lines += [f'    "{name}",' for name in sorted(everything)]
    return [*lines, "]"]


def generate(version_name: str) -> dict[Path, str]:
    version = Reader(version_name).read()
    files = {
        "enums.py": write_enums(version),
        "scalars.py": write_scalars(version),
        "datatypes.py": write_structs(
            version,
            "DataType",
            in_order(version.datatypes),
            "parts of messages. Knows no messages.",
        ),
        "messages.py": write_structs(
            version,
            "Message",
            dict(sorted(version.messages.items())),
            "every message, as on the wire. Knows no meaning.",
        ),
        "__init__.py": write_front(version),
    }
    return {
        OUT / version_name / name: tidy("\n".join(lines) + "\n", OUT / version_name / name)
        for name, lines in files.items()
    }


def tidy(text: str, path: Path) -> str:
    """As ruff would leave it: sorted imports and the house's layout."""
    ruff = [sys.executable, "-m", "ruff"]
    name = ["--stdin-filename", str(path), "--quiet", "-"]
    for command in (["check", "--select", "I,RUF022,PIE790", "--fix-only"], ["format"]):
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            [*ruff, *command, *name], input=text, capture_output=True, text=True, check=True
        )
        text = done.stdout
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail on any difference"
    )
    check: bool = parser.parse_args().check
    stale = False
    for version in SUBPROTOCOLS:
        files = generate(version)
        strays = {path for path in (OUT / version).glob("*.py") if path not in files}
        for path, text in files.items():
            if path.exists() and path.read_text("utf-8") == text:
                continue
            stale = True
            sys.stdout.write(f"{'differs' if check else 'wrote'}: {path.name} of {version}\n")
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
        for path in strays:
            stale = True
            sys.stdout.write(f"not generated: {path}\n")
    return int(check and stale)


if __name__ == "__main__":
    raise SystemExit(main())
