"""The coordinator's storage on every database that it may be kept in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from fl_server.storage import Storage
from fl_server.storage.database import create_schema
from tests.fakes.postgres_cluster import IS_INSTALLED, PostgresCluster
from tests.unit.fl_server.memory_storage import START, memory_storage


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL that runs as long as the tests do."""
    if not IS_INSTALLED:
        pytest.skip("PostgreSQL is not installed: see `make debian-packages`")
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An empty storage without a folder; its clock stands at ``START``."""
    if request.param == "sqlite":
        opened = memory_storage()
    else:
        engine = sa.create_engine(request.getfixturevalue("postgres").new_database())
        create_schema(engine)
        opened = Storage(engine, Path("/nonexistent"), lambda: START)
    yield opened
    opened.close()
