"""Connections: compression, monitoring, the handshake, and an orderly end."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient, monitoring
from pymongo.errors import AutoReconnect, ConfigurationError, PyMongoError
from quired import Quired
from waiting import until

Document = dict[str, Any]


@pytest.fixture(scope="module")
def compressing() -> Any:
    with Quired("--networkMessageCompressors", "snappy,zstd,zlib") as server:
        yield server


@pytest.mark.parametrize("compressor", ["zlib", "snappy", "zstd"])
def test_messages_are_compressed_as_agreed(compressing: Quired, compressor: str) -> None:
    with compressing.client(compressors=compressor) as client:
        hello = client.admin.command({"hello": 1, "compression": [compressor]})
        assert hello["compression"] == [compressor]
        things = client[f"test_{compressor}"].things
        documents = [{"_id": number, "text": "x" * 1000} for number in range(500)]
        things.insert_many(documents)
        assert list(things.find().sort("_id")) == documents


class Heartbeats(monitoring.ServerHeartbeatListener):
    def __init__(self) -> None:
        self.awaited: list[bool] = []

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        self.awaited.append(event.awaited)

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        pass


def test_the_monitor_is_streamed_to(server: Quired) -> None:
    heartbeats = Heartbeats()
    with server.client(event_listeners=[heartbeats], heartbeatFrequencyMS=500) as client:
        client.admin.command("ping")
        until(lambda: heartbeats.awaited.count(True) >= 2, "two awaited heartbeats")
        assert heartbeats.awaited[0] is False


def test_hello_tells_a_single_writable_server(client: MongoClient[Document]) -> None:
    hello = client.admin.command("hello")
    assert hello["isWritablePrimary"] is True
    assert hello["maxBsonObjectSize"] == 16 * 1024 * 1024
    assert hello["maxMessageSizeBytes"] == 48_000_000
    assert hello["maxWriteBatchSize"] == 100_000
    assert hello["logicalSessionTimeoutMinutes"] == 30
    assert hello["minWireVersion"] == 0
    assert hello["maxWireVersion"] == 25
    assert "setName" not in hello
    for name in ("isMaster", "ismaster"):
        legacy = client.admin.command(name)
        assert legacy["ismaster"] is True
    assert client.topology_description.topology_type_name == "Single"


def test_many_clients_write_at_once(server: Quired) -> None:
    def write(number: int) -> None:
        with server.client() as client:
            for place in range(20):
                client.test_many.things.insert_one({"_id": number * 100 + place})

    writers = [threading.Thread(target=write, args=[number]) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with server.client() as client:
        assert client.test_many.things.count_documents({}) == 320
        client.drop_database("test_many")


def test_counters_of_many_writers_lose_nothing(server: Quired) -> None:
    with server.client() as client:
        counters = client.test_counters.counters
        counters.insert_one({"_id": 1, "n": 0})

        def count() -> None:
            for _ in range(50):
                counters.update_one({"_id": 1}, {"$inc": {"n": 1}})

        writers = [threading.Thread(target=count) for _ in range(8)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert counters.find_one() == {"_id": 1, "n": 400}
        client.drop_database("test_counters")


def test_shutdown_ends_the_server() -> None:
    with Quired() as server:
        with server.client() as client:
            client.test.things.insert_one({"_id": 1})
            with suppress(PyMongoError):  # the end may come before the answer
                client.admin.command("shutdown", force=True, timeoutSecs=1)
        assert server.wait() == 0


def test_a_replica_set_is_not_found_here(server: Quired) -> None:
    with (
        server.client(replicaSet="rs0", serverSelectionTimeoutMS=500) as client,
        pytest.raises((ConfigurationError, AutoReconnect)),
    ):
        client.admin.command("ping")
