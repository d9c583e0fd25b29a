"""One house for all tests of a module, on uvloop as in earnest; each test has its own stations.

The house lives in the run's event loop, so every module says ``pytestmark = IN_THE_HOUSE``.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from forecourt.domain.devices.service import caretaker
from tests.edge.ocpp.house import Yard, a_yard
from tests.edge.ocpp.upkeep import LOOKS_EVERY_S
from tests.fixtures.database import database, on_database


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def house_url(database_server_url: str, template: str) -> Generator[str]:
    """A database that outlives one test."""
    with database(database_server_url, f"TEMPLATE {template}") as name:
        yield on_database(database_server_url, name)


@pytest.fixture(scope="module")
def house_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where its secret key lies, for as long as the database whose keys are sealed with it."""
    return tmp_path_factory.mktemp("house")


# It ends with its module: while tests with other loops run, its own would stand still, perhaps amid
# a transaction that the events of every database on that server then wait for.
@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(house_url: str, house_folder: Path) -> AsyncGenerator[Yard]:
    """The house that runs all the time."""
    async with a_yard(house_url, house_folder) as yard:
        yield yard


@pytest_asyncio.fixture(loop_scope="session")
async def yard(house: Yard) -> AsyncGenerator[Yard]:
    """The same; afterwards the test's lines are cut, and the house must still work."""
    yield house
    await house.hang_up()
    assert not house.house.committer.away


@pytest.fixture(scope="module")
def watchful() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caretaker, "POLL_S", LOOKS_EVERY_S)
        yield
