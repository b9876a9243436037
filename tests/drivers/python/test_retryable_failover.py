"""A write that meets a primary that is stepping down is done by the next one."""

from __future__ import annotations

import threading
from typing import Any

from fail_points import configure
from observing import Commands
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from replica_set import ReplicaSet
from waiting import until

Document = dict[str, Any]

HANG = "stepdownHangBeforePerformingPostMemberStateUpdateActions"


def test_a_write_is_retried_on_the_next_primary(members: ReplicaSet) -> None:
    commands = Commands()
    # Asking this seldom, and not streamed to, the client learns of the step-down by its write.
    seldom = {"heartbeatFrequencyMS": 60_000, "serverMonitoringMode": "poll"}
    with (
        members.client(event_listeners=[commands], **seldom) as client,
        members.client() as stepping,
    ):
        things = client["failover"]["things"]
        things.drop()
        assert things.insert_one({"_id": 1}).acknowledged
        assert client.primary is not None
        old = client.primary
        direct: MongoClient[Document] = MongoClient(*old, directConnection=True)
        configure(direct, HANG, "alwaysOn")
        hanging = threading.Thread(target=step_down, args=[stepping])
        try:
            hanging.start()
            until(lambda: not direct.admin.command("hello")["isWritablePrimary"], "a step-down")
            assert hanging.is_alive(), "the step-down did not hang"
            commands.clear()
            assert things.insert_one({"_id": 2}).acknowledged
            assert commands.names() == ["insert", "insert"]
            first, second = commands.transaction_numbers()
            assert first == second is not None
            refusal, answer = commands.replies
            assert refusal is not None and refusal["code"] == 10107
            assert "RetryableWriteError" in refusal["errorLabels"]
            assert answer is not None and answer["n"] == 1
            assert client.primary != old
            assert hanging.is_alive(), "the step-down ended before it was let go"
        finally:
            configure(direct, HANG, "off")
            direct.close()
            hanging.join()
        assert [document["_id"] for document in things.find().sort("_id")] == [1, 2]
    members.wait_until_whole()


def step_down(client: MongoClient[Document]) -> None:
    try:
        client.admin.command("replSetStepDown", 60, force=True)
    except PyMongoError:
        pass  # The old primary drops its clients' connections when it is let go.
