"""What every test here can ask for: a shared server, a client, a database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from quired import Quired
from replica_set import ReplicaSet

Document = dict[str, Any]


@pytest.fixture(scope="session")
def server() -> Iterator[Quired]:
    """The server that tests share; a test that stops or configures one makes its own."""
    with Quired("--setParameter", "enableTestCommands=1") as server:
        yield server


@pytest.fixture(scope="session")
def client(server: Quired) -> Iterator[MongoClient[Document]]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def members() -> Iterator[ReplicaSet]:
    """The replica set that tests share; each leaves behind a primary and no fail point."""
    with ReplicaSet("--setParameter", "enableTestCommands=1") as members:
        yield members


@pytest.fixture
def database(client: MongoClient[Document]) -> Iterator[Database[Document]]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield client[name]
    client.drop_database(name)


@pytest.fixture
def collection(database: Database[Document]) -> Collection[Document]:
    return database["things"]
