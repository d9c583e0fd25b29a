"""The import contracts hold; and each bites: an offence planted against it is caught, by its name.

Offences are planted in a hollow copy of the tree (module names without their contents), so that
each run of the linter takes a moment, and what is caught is the offence and nothing else.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

FLOORS = "The house has floors; imports go down"
ROOMS = "Rooms call down, and publish up"
INSIDE = "Inside a room: doors use verbs, verbs use tables and rules, all use the model"
PURE = "Decisions are pure"
SQL = "SQL lives in store.py"
HTTP = "HTTP stays at the doors"
SOCKETS = "Sockets stay at the wire"
WIRE = "The simulator and the lab know only the wire"
SETTINGS = "Only the composition root reads settings"
CYCLES = "No cycles anywhere"

# Furniture for the hollow house: what a contract speaks of is there, and used by whoever may.
FURNITURE: Final = {
    "app.py": "import forecourt.settings",
    "cli/bench/echo.py": "import picows",
    "domain/stations/api.py": "import litestar",
    "domain/stations/commands/__init__.py": "",
    "domain/stations/model.py": "",
    "domain/stations/rules.py": "",
    "domain/stations/service.py": "",
    "domain/stations/store.py": "import sqlalchemy, asyncpg",
    "domain/sessions/__init__.py": "",
    "domain/tenants/service.py": "",
    "edge/http/app.py": "import litestar",
    "edge/ocpp/listener.py": "import picows",
    "infra/database.py": "import sqlalchemy, asyncpg",
    "migrations/__init__.py": "",
    "settings.py": "",
    "sim/link.py": "import picows",
}

# contract, module, the import planted in it
OFFENCES: Final = [
    (FLOORS, "base/clock.py", "import forecourt.protocol"),
    (FLOORS, "infra/database.py", "import forecourt.domain.stations"),
    (FLOORS, "protocol/ocpp/rpc.py", "import forecourt.domain.stations"),
    (FLOORS, "edge/ocpp/listener.py", "import forecourt.app"),
    (FLOORS, "edge/ocpp/listener.py", "import forecourt.sim.link"),
    (FLOORS, "helpers/__init__.py", ""),
    (ROOMS, "domain/stations/service.py", "import forecourt.domain.sessions"),
    (ROOMS, "domain/tenants/service.py", "import forecourt.domain.stations"),
    (ROOMS, "domain/attic/__init__.py", ""),
    (INSIDE, "domain/stations/model.py", "import forecourt.domain.stations.rules"),
    (INSIDE, "domain/stations/rules.py", "import forecourt.domain.stations.store"),
    (INSIDE, "domain/stations/store.py", "import forecourt.domain.stations.service"),
    (INSIDE, "domain/stations/service.py", "import forecourt.domain.stations.api"),
    (PURE, "base/context.py", "import asyncio"),
    (PURE, "domain/stations/rules.py", "import forecourt.infra.database"),
    (PURE, "domain/stations/model.py", "import random"),
    (PURE, "protocol/ocpp/rpc.py", "import socket"),
    (SQL, "domain/stations/service.py", "from sqlalchemy import select"),
    (SQL, "edge/ocpp/listener.py", "import asyncpg"),
    (SQL, "app.py", "import sqlalchemy"),
    (HTTP, "domain/stations/service.py", "from litestar import get"),
    (HTTP, "edge/ocpp/listener.py", "import litestar"),
    (SOCKETS, "edge/http/app.py", "import picows"),
    (SOCKETS, "domain/stations/service.py", "import picows"),
    (WIRE, "sim/link.py", "import forecourt.infra.database"),
    (WIRE, "sim/link.py", "import forecourt.domain.stations"),
    (SETTINGS, "domain/stations/service.py", "import forecourt.settings"),
    (SETTINGS, "edge/http/app.py", "from forecourt.settings import Settings"),
    (CYCLES, "protocol/one/__init__.py", "import forecourt.protocol.two"),
]
# A cycle needs a way back.
WAYS_BACK: Final = {"protocol/two/__init__.py": "import forecourt.protocol.one"}


def verdicts(tree: Path) -> dict[str, str]:
    """What the linter says of each contract about the forecourt package below ``tree``."""
    done = subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(.+?) (KEPT|BROKEN)\b", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return dict(found)


def plant(tree: Path, module: str, line: str) -> None:
    path = tree / "forecourt" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.relative_to(tree).parents:
        if folder != Path():
            (tree / folder / "__init__.py").touch()
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{before}{line}\n", encoding="utf-8")


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """The house as it is, without its contents, and furnished."""
    for path in (ROOT / "src" / "forecourt").rglob("*.py"):
        plant(tmp_path, str(path.relative_to(ROOT / "src" / "forecourt")), "")
    for module, line in FURNITURE.items():
        plant(tmp_path, module, line)
    return tmp_path


def contracts() -> list[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["name"] for contract in config["tool"]["importlinter"]["contracts"]]


def test_the_house_keeps_its_contracts() -> None:
    assert verdicts(ROOT / "src") == dict.fromkeys(contracts(), "KEPT")


def test_the_hollow_house_keeps_them_too(hollow: Path) -> None:
    assert verdicts(hollow) == dict.fromkeys(contracts(), "KEPT")


def test_every_contract_has_an_offence() -> None:
    assert {contract for contract, _, _ in OFFENCES} == set(contracts())


@pytest.mark.parametrize(("contract", "module", "line"), OFFENCES)
def test_a_contract_bites(hollow: Path, contract: str, module: str, line: str) -> None:
    for other, way_back in WAYS_BACK.items():
        if contract == CYCLES:
            plant(hollow, other, way_back)
    plant(hollow, module, line)
    assert verdicts(hollow)[contract] == "BROKEN"
