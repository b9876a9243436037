"""The contract of fail points: how they are switched, when they are entered, what they then do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fail_points import configure, fail_point
from observing import Commands
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, OperationFailure
from quired import Quired
from refusals import refused
from replica_set import ReplicaSet

Document = dict[str, Any]

TRANSACTIONAL = "onPrimaryTransactionalWrite"


@pytest.fixture
def things(members: ReplicaSet) -> Iterator[Collection[Document]]:
    """A collection of a client that retries nothing, so that every failure is seen."""
    with members.client(retryWrites=False, retryReads=False) as client:
        things = client["fail_points"]["things"]
        things.drop()
        yield things
        for name in ("failCommand", TRANSACTIONAL):
            configure(client, name, "off")


@pytest.fixture
def retrying(members: ReplicaSet) -> Iterator[Collection[Document]]:
    """The collection of a client that sends transaction numbers with its writes."""
    with members.client(retryWrites=True) as client:
        yield client["fail_points"]["things"]


def client_of(things: Collection[Document]) -> MongoClient[Document]:
    return things.database.client


def outcomes(things: Collection[Document], tries: int) -> str:
    """One letter for each insert: done or failed."""
    letters = []
    for _ in range(tries):
        try:
            things.insert_one({})
            letters.append("d")
        except OperationFailure as error:
            assert error.code == 2
            letters.append("f")
    return "".join(letters)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("alwaysOn", "ffff"),
        ("off", "dddd"),
        ({"times": 2}, "ffdd"),
        ({"skip": 3}, "dddf"),
        ({"activationProbability": 1.0}, "ffff"),
        ({"activationProbability": 0.0}, "dddd"),
    ],
)
def test_a_mode_says_when_a_fail_point_is_entered(
    things: Collection[Document], mode: Any, expected: str
) -> None:
    data = {"failCommands": ["insert"], "errorCode": 2}
    with fail_point(client_of(things), "failCommand", mode, **data):
        assert outcomes(things, 4) == expected


def test_what_does_not_match_uses_up_nothing(things: Collection[Document]) -> None:
    data = {"failCommands": ["insert"], "errorCode": 2}
    with fail_point(client_of(things), "failCommand", {"times": 1}, **data):
        client_of(things).admin.command("ping")
        things.find_one()
        assert outcomes(things, 2) == "fd"


def test_the_reply_counts_how_often_a_fail_point_was_entered(things: Collection[Document]) -> None:
    client = client_of(things)
    before = configure(client, "failCommand", "off")
    data = {"failCommands": ["insert"], "errorCode": 2}
    assert configure(client, "failCommand", {"times": 2}, data) == before
    assert outcomes(things, 3) == "ffd"
    assert configure(client, "failCommand", "off") == before + 2


def test_switching_fail_points_cannot_be_failed(things: Collection[Document]) -> None:
    client = client_of(things)
    data = {"failCommands": ["configureFailPoint"], "errorCode": 2}
    configure(client, "failCommand", "alwaysOn", data)
    configure(client, "failCommand", "off")


@pytest.mark.parametrize(
    "mode", [{"times": 1, "skip": 1}, {}, "sometimes", {"times": -1}, {"times": "1"}, 7]
)
def test_a_mode_that_is_none_is_refused(things: Collection[Document], mode: Any) -> None:
    with pytest.raises(OperationFailure):
        configure(client_of(things), TRANSACTIONAL, mode)


def test_a_fail_point_that_there_is_not_is_refused(things: Collection[Document]) -> None:
    with refused(266):
        configure(client_of(things), "noSuchFailPoint", "alwaysOn")


def test_fail_points_are_switched_through_the_admin_database(things: Collection[Document]) -> None:
    with refused(13):
        things.database.command("configureFailPoint", TRANSACTIONAL, mode="off")


def test_without_test_commands_there_are_no_fail_points() -> None:
    with Quired() as server, server.client() as client, refused(59):
        configure(client, "failCommand", "off")


def test_only_writes_with_a_transaction_number_enter_that_fail_point(
    things: Collection[Document], retrying: Collection[Document]
) -> None:
    data = {"failBeforeCommitExceptionCode": 2, "closeConnection": False}
    with fail_point(client_of(things), TRANSACTIONAL, {"times": 1}, **data):
        # A write without a number, one that cannot be retried, and a read let it be.
        things.insert_one({"_id": 1})
        retrying.update_many({}, {"$set": {"x": 1}})
        retrying.find_one()
        with refused(2):
            retrying.insert_one({"_id": 2})
        retrying.insert_one({"_id": 3})
    assert [document["_id"] for document in things.find().sort("_id")] == [1, 3]


def test_the_connection_is_closed_after_the_commit_unless_told_otherwise(
    members: ReplicaSet, things: Collection[Document]
) -> None:
    commands = Commands()
    with members.client(event_listeners=[commands]) as client:
        writing = client["fail_points"]["things"]
        with fail_point(client_of(things), TRANSACTIONAL, "alwaysOn"):
            writing.insert_one({"_id": 1})
        assert commands.names() == ["insert", "insert"]
        assert commands.replies[0] is None
        commands.clear()
        with fail_point(client_of(things), TRANSACTIONAL, "alwaysOn", closeConnection=False):
            writing.insert_one({"_id": 2})
        assert commands.names() == ["insert"]
    assert things.count_documents({}) == 2


def test_the_documents_of_one_insert_are_one_commit(
    things: Collection[Document], retrying: Collection[Document]
) -> None:
    data = {"failBeforeCommitExceptionCode": 2, "closeConnection": False}
    with fail_point(client_of(things), TRANSACTIONAL, {"skip": 1}, **data):
        retrying.insert_many([{"_id": number} for number in range(5)])
        with pytest.raises(OperationFailure):
            retrying.insert_many([{"_id": number} for number in range(5, 10)])
    assert things.count_documents({}) == 5


def test_a_command_is_failed_with_its_connection_closed(things: Collection[Document]) -> None:
    data = {"failCommands": ["insert"], "closeConnection": True}
    with fail_point(client_of(things), "failCommand", {"times": 1}, **data):
        with pytest.raises(AutoReconnect):
            things.insert_one({"_id": 1})
    assert things.count_documents({}) == 0
