"""What only a driver that knows MongoDB 4.0 can show, against a server that behaves as one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from counted import Counted
from replica_set import ReplicaSet
from waiting import until

NOT_WRITABLE_PRIMARY = 10107


@pytest.fixture
def members() -> Iterator[ReplicaSet]:
    flags = ["--emulateVersion", "4.0", "--setParameter", "enableTestCommands=1"]
    with ReplicaSet(*flags) as members:
        yield members


def test_a_primary_that_is_none_any_more_clears_the_pool(members: ReplicaSet) -> None:
    tried = Counted(members)
    try:
        assert tried.client.server_info()["version"].startswith("4.0.")
        before, created = tried.total_created(), tried.pools.created
        tried.fail_one_insert(NOT_WRITABLE_PRIMARY)
        until(lambda: tried.pools.cleared == 1, "the pool is cleared")
        tried.things.insert_one({"test": 1})
        assert tried.pools.created == created + 1
        assert tried.total_created() == before + 1
    finally:
        tried.close()
