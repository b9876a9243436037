"""Cursors that wait for what is yet to come, and what ends them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from bson import Int64
from pymongo import CursorType, MongoClient
from pymongo.database import Database
from quired import Quired
from refusals import refused
from waiting import until

Document = dict[str, Any]
Base = Database[Document]


def test_a_tailing_cursor_sees_what_comes_later(database: Base) -> None:
    events = database.create_collection("events", capped=True, size=1_000_000)
    events.insert_many([{"_id": number} for number in range(3)])
    cursor = events.find(cursor_type=CursorType.TAILABLE)
    assert [document["_id"] for document in cursor] == [0, 1, 2]
    assert cursor.alive
    events.insert_one({"_id": 3})
    assert next(cursor)["_id"] == 3
    cursor.close()


def test_a_waiting_cursor_is_woken_by_a_write(database: Base) -> None:
    events = database.create_collection("events", capped=True, size=1_000_000)
    events.insert_one({"_id": 0})
    cursor = events.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(20_000)
    assert next(cursor)["_id"] == 0
    writer = threading.Timer(0.3, events.insert_one, [{"_id": 1}])
    began = time.monotonic()
    writer.start()
    assert next(cursor)["_id"] == 1
    assert 0.25 < time.monotonic() - began < 10
    writer.join()
    cursor.close()


def test_a_waiting_cursor_answers_empty_after_its_time(database: Base) -> None:
    events = database.create_collection("events", capped=True, size=1_000_000)
    events.insert_one({"_id": 0})
    reply = database.command("find", "events", tailable=True, awaitData=True)
    number = reply["cursor"]["id"]
    began = time.monotonic()
    more = database.command("getMore", number, collection="events", maxTimeMS=300)
    assert more["cursor"]["nextBatch"] == []
    assert more["cursor"]["id"] == number
    assert 0.25 < time.monotonic() - began < 5
    database.command("killCursors", "events", cursors=[number])


def test_only_capped_collections_can_be_tailed(database: Base) -> None:
    database.things.insert_one({})
    with refused(2, "tailable cursor requested on non capped collection"):
        list(database.things.find(cursor_type=CursorType.TAILABLE))
    with refused(9, "awaitData"):
        database.command("find", "things", awaitData=True)


def test_an_idle_cursor_times_out_and_one_that_must_not_stays() -> None:
    with (
        Quired(
            *("--setParameter", "cursorTimeoutMillis=200"),
            *("--setParameter", "clientCursorMonitorFrequencySecs=1"),
            # The driver sends a session with everything, and such cursors live as long as these.
            *("--setParameter", "enableTimeoutOfInactiveSessionCursors=true"),
        ) as server,
        server.client() as client,
    ):
        things = client.test.things
        things.insert_many([{"_id": number} for number in range(10)])
        idle = client.test.command("find", "things", batchSize=2)["cursor"]["id"]
        kept = client.test.command("find", "things", batchSize=2, noCursorTimeout=True)
        assert idle
        until(
            lambda: client.admin.command("serverStatus")["metrics"]["cursor"]["timedOut"] >= 1,
            "a cursor timed out",
        )
        with refused(43, "not found"):
            client.test.command("getMore", idle, collection="things")
        more = client.test.command("getMore", kept["cursor"]["id"], collection="things")
        assert len(more["cursor"]["nextBatch"]) == 8


def test_a_failed_get_more_tells_the_cursor(client: MongoClient[Document]) -> None:
    with refused(43, "cursor id 77 not found"):
        client.test.command("getMore", Int64(77), collection="things")


@pytest.mark.parametrize("size", [-1, "many"])
def test_a_batch_size_that_is_none_is_refused(database: Base, size: Any) -> None:
    with refused(14 if isinstance(size, str) else 2):
        database.command("find", "things", batchSize=size)
