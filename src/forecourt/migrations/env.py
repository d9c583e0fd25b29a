"""Alembic's way in: runs the steps on the connection that ``infra.migrate`` hands over."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.schema import SchemaItem

import forecourt.domain.rooms  # noqa: F401 (so that every room's tables are in the metadata)
from forecourt.infra.database import metadata


def ours(
    _item: SchemaItem,
    name: str | None,
    kind: Literal[
        "schema",
        "table",
        "column",
        "index",
        "unique_constraint",
        "foreign_key_constraint",
        "check_constraint",
    ],
    reflected: bool,  # noqa: FBT001 (Alembic calls it so)
    _compare_to: SchemaItem | None,
) -> bool:
    """Compare tables and columns; indexes and partitions are written in the steps alone."""
    if kind == "table" and reflected:
        return name in metadata.tables
    return kind in ("table", "column")


connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(
    connection=connection, target_metadata=metadata, include_object=ours, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
