"""Reads a list of stations from CSV, and complains line by line. Touches no database."""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind
from forecourt.domain.stations import NewStation, StationIdInvalid, station_id

COLUMNS: Final = {"id", "password", "site"}
COMPLAINTS_MAX: Final = 10


class FileUnreadable(ForecourtError):
    """The file cannot be read as what it should be."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "file.unreadable"


def read_csv(file: Path) -> tuple[list[NewStation], list[str]]:
    """Stations, and what is wrong with the file, by line. ``-`` is standard input.

    Raises FileUnreadable.
    """
    try:
        if str(file) == "-":
            return parse(sys.stdin)
        # Spreadsheets like to begin a file with a byte order mark.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return parse(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileUnreadable(f"cannot read {file}: {error}") from error


def parse(lines: Iterable[str]) -> tuple[list[NewStation], list[str]]:
    """Stations, and complaints."""
    rows = csv.DictReader(lines, skipinitialspace=True)
    heads = [head.strip().lower() for head in rows.fieldnames or ()]
    if "id" not in heads or not COLUMNS.issuperset(heads):
        return [], [f"the first line must name the columns: id,password,site (not {heads})"]
    rows.fieldnames = heads
    found: dict[str, NewStation] = {}
    complaints: list[str] = []
    for row in rows:
        try:
            name = station_id((row["id"] or "").strip())
        except StationIdInvalid as error:
            complaints.append(f"line {rows.line_num}: {error.message}")
            continue
        if name in found:
            complaints.append(f"line {rows.line_num}: {name} is there twice")
        password = row.get("password") or None
        found[name] = NewStation(
            id=name,
            password=None if password is None else password.encode(),
            site=(row.get("site") or "").strip(),
        )
    if len(complaints) > COMPLAINTS_MAX:
        more = len(complaints) - COMPLAINTS_MAX
        complaints = [*complaints[:COMPLAINTS_MAX], f"and {more:,} more"]
    return list(found.values()), complaints
