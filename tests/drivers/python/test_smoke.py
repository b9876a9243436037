"""The least that a client and a supervisor rely on."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection
from quired import Quired


def test_ping_is_answered(client: MongoClient[dict[str, Any]]) -> None:
    assert client.admin.command("ping")["ok"] == 1.0


def test_what_is_inserted_is_found(collection: Collection[dict[str, Any]]) -> None:
    documents = [{"_id": number, "name": f"thing {number}"} for number in range(10)]
    assert collection.insert_many(documents).inserted_ids == list(range(10))
    assert list(collection.find().sort("_id")) == documents
    assert collection.find_one({"name": "thing 7"}) == documents[7]
    assert collection.find_one({"name": "nothing"}) is None


def test_sigterm_ends_in_order_and_keeps_the_data() -> None:
    with Quired() as server:
        with server.client() as client:
            client.test.things.insert_one({"_id": 1})
        assert server.stop() == 0
        server.start()
        with server.client() as client:
            assert list(client.test.things.find()) == [{"_id": 1}]


def test_a_crash_loses_no_acknowledged_write() -> None:
    with Quired() as server:
        with server.client() as client:
            for number in range(100):
                client.test.things.insert_one({"_id": number})
        server.kill()
        server.start()
        with server.client() as client:
            assert client.test.things.count_documents({}) == 100
