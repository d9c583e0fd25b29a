"""Sub-commands made from the Structs of the commands themselves, so that none is missing.

A plain field is an option; a part of a command is JSON, or ``@file`` with JSON in it.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer
from msgspec import inspect as shapes

from forecourt.cli.asking import ask
from forecourt.cli.options import AsJson, DatabaseUrl, DataDir, fail
from forecourt.domain.stations import Ask

_KEYWORD: Final = inspect.Parameter.KEYWORD_ONLY
UNITS: Final = {"s": "seconds", "w": "W", "a": "A", "v": "V"}
_SCALARS: Final[dict[type, type]] = {shapes.IntType: int, shapes.FloatType: float}


def add(app: typer.Typer, kinds: Iterable[type[Ask]]) -> None:
    """A sub-command for each of these."""
    for kind in kinds:
        tag = str(kind.__struct_config__.tag)
        app.command(tag.replace("_", "-"))(_function(kind, tag))


def _function(kind: type[Ask], tag: str) -> Callable[..., None]:
    shape = shapes.type_info(kind)
    assert isinstance(shape, shapes.StructType)
    fields = {field.name: field for field in shape.fields}

    def command(
        ctx: typer.Context,
        as_json: AsJson,
        data_dir: DataDir,
        database_url: DatabaseUrl,
        **given: Any,
    ) -> None:
        said = {
            name: _value(fields[name], value)
            for name, value in given.items()
            if value not in (None, [], ())
        }
        try:
            asked = msgspec.convert({"command": tag, **said}, kind, strict=False)
        except msgspec.ValidationError as error:
            fail(str(error))
        ask(ctx, msgspec.to_builtins(asked), data_dir, database_url, as_json=as_json)

    told = _told(kind)
    parameters = [
        inspect.Parameter("ctx", _KEYWORD, annotation=typer.Context),
        *(
            inspect.Parameter(
                name,
                _KEYWORD,
                annotation=_annotation(field, told.get(name) or _plainly(name)),
                default=inspect.Parameter.empty if field.required else None,
            )
            for name, field in fields.items()
        ),
        inspect.Parameter("as_json", _KEYWORD, annotation=AsJson, default=False),
        inspect.Parameter("data_dir", _KEYWORD, annotation=DataDir, default=None),
        inspect.Parameter("database_url", _KEYWORD, annotation=DatabaseUrl, default=None),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return command


def _told(kind: type[Ask]) -> dict[str, str]:
    """What the command's source says of its fields, below each."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    told = {}
    for field, said in pairwise(body.body):
        match field, said:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                told[name] = " ".join(text.split())
            case _:
                pass
    return told


def _plainly(name: str) -> str:
    """A field whose name says it all: ``retry_interval_s``."""
    *words, last = name.split("_")
    unit = UNITS.get(last) if words else None
    text = " ".join(words if unit else [*words, last]).capitalize()
    return f"{text}, in {unit}." if unit else f"{text}."


def _annotation(field: shapes.Field, told: str) -> Any:
    """How Typer shall read this field."""
    inner = _inner(field.type)
    option = f"--{field.name.replace('_', '-')}"
    match inner:
        case shapes.BoolType():
            names = (f"{option}/--no-{option[2:]}",)
            return Annotated[
                bool | None if not field.required else bool, typer.Option(*names, help=told)
            ]
        case shapes.LiteralType(values=values):
            choice: Any = Literal[tuple(str(value) for value in values)]
            return Annotated[
                choice if field.required else choice | None, typer.Option(option, help=told)
            ]
        case shapes.VarTupleType(item_type=item) if not _is_part(item):
            return Annotated[list[str] | None, typer.Option(option, help=f"{told} Again for each.")]
        case _ if _is_part(inner) or isinstance(inner, shapes.VarTupleType):
            kept = str if field.required else str | None
            return Annotated[kept, typer.Option(option, metavar="JSON", help=f"{told} Or @file.")]
        case _:
            scalar: Any = _SCALARS.get(type(inner), str)
            if not field.required:
                scalar = scalar | None
            plain = field.default in (None, msgspec.NODEFAULT)
            more = "" if plain else f" Default: {field.default}."
            return Annotated[scalar, typer.Option(option, help=told + more)]


def _value(field: shapes.Field, given: Any) -> Any:
    """What was written, as the command's field wants it."""
    inner = _inner(field.type)
    of_parts = isinstance(inner, shapes.VarTupleType) and _is_part(inner.item_type)
    if not (of_parts or _is_part(inner)):
        return given
    text = str(given)
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return msgspec.json.decode(text)
    except (OSError, msgspec.DecodeError) as error:
        fail(f"--{field.name.replace('_', '-')}: {error}")


def _inner(kind: shapes.Type) -> shapes.Type:
    """Without what only says that it may be left out, and without its limits."""
    while isinstance(kind, shapes.Metadata):
        kind = kind.type
    if isinstance(kind, shapes.UnionType):
        (kind,) = (_inner(each) for each in kind.types if not isinstance(each, shapes.NoneType))
    return kind


def _is_part(kind: shapes.Type) -> bool:
    return isinstance(_inner(kind), shapes.StructType | shapes.DictType)
