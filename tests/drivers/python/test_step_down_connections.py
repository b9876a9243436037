"""Whether a client's connections outlive the primary's stepping down, and what clears its pool.

Counted twice: by the client's own events, and by `connections.totalCreated` of the server, asked
for by a second client.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from counted import Counted
from pymongo.write_concern import WriteConcern
from replica_set import ReplicaSet
from waiting import until

NOT_WRITABLE_PRIMARY = 10107
SHUTDOWN_IN_PROGRESS = 91
INTERRUPTED_AT_SHUTDOWN = 11600


@pytest.fixture
def tried(members: ReplicaSet) -> Iterator[Counted]:
    tried = Counted(members)
    yield tried
    tried.close()


def test_a_cursor_is_read_on_over_the_same_connection_after_a_step_down(
    tried: Counted, members: ReplicaSet
) -> None:
    majority = tried.things.with_options(write_concern=WriteConcern("majority"))
    majority.insert_many([{"_id": number} for number in range(5)])
    cursor = tried.things.find(batch_size=2)
    first = [next(cursor)["_id"] for _ in range(2)]
    cleared, created = tried.pools.cleared, tried.pools.created
    try:
        assert tried.client.admin.command("replSetStepDown", 5, force=True)["ok"] == 1
        # The batch that was asked for first is used up, so this needs a getMore.
        assert first + [next(cursor)["_id"]] == [0, 1, 2]
        assert (tried.pools.cleared, tried.pools.created) == (cleared, created)
        assert [document["_id"] for document in cursor] == [3, 4]
    finally:
        members.wait_until_whole()


def test_a_primary_that_is_none_any_more_keeps_the_pool(tried: Counted) -> None:
    before, created = tried.total_created(), tried.pools.created
    tried.fail_one_insert(NOT_WRITABLE_PRIMARY)
    tried.things.insert_one({"test": 1})
    assert (tried.pools.cleared, tried.pools.created) == (0, created)
    assert tried.total_created() == before


@pytest.mark.parametrize("code", [SHUTDOWN_IN_PROGRESS, INTERRUPTED_AT_SHUTDOWN])
def test_a_server_that_shuts_down_clears_the_pool(tried: Counted, code: int) -> None:
    before, created = tried.total_created(), tried.pools.created
    tried.fail_one_insert(code)
    until(lambda: tried.pools.cleared == 1, "the pool is cleared")
    tried.things.insert_one({"test": 1})
    assert tried.pools.created == created + 1
    assert tried.total_created() == before + 1
