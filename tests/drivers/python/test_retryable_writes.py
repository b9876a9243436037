"""Each write that a driver may retry takes effect at most once, wherever its connection breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fail_points import Mode, fail_point
from observing import Commands
from pymongo import DeleteOne, InsertOne, MongoClient, ReplaceOne, UpdateOne
from pymongo.collection import Collection, ReturnDocument
from pymongo.errors import AutoReconnect, BulkWriteError, PyMongoError
from replica_set import ReplicaSet

Document = dict[str, Any]
State = list[tuple[int, int]]

FAIL_POINT = "onPrimaryTransactionalWrite"
MEBIBYTE = 1024 * 1024

START: State = [(1, 11), (2, 22)]


@dataclass
class Write:
    """A write, the result that it must have, and what must then be in the collection."""

    name: str
    run: Callable[[Collection[Document]], Any]
    result: Any
    after: State


# None of them can be applied twice without being told from one that was applied once.
SINGLE = [
    Write(
        "insertOne",
        lambda things: things.insert_one({"_id": 3, "x": 33}).inserted_id,
        3,
        [(1, 11), (2, 22), (3, 33)],
    ),
    Write(
        "updateOne",
        lambda things: things.update_one({"_id": 1}, {"$inc": {"x": 1}}).modified_count,
        1,
        [(1, 12), (2, 22)],
    ),
    Write(
        "updateOne with an upsert",
        lambda things: things.update_one({"_id": 3}, {"$inc": {"x": 33}}, upsert=True).upserted_id,
        3,
        [(1, 11), (2, 22), (3, 33)],
    ),
    Write(
        "replaceOne",
        lambda things: things.replace_one({"x": {"$gte": 11}}, {"x": 5}).modified_count,
        1,
        [(1, 5), (2, 22)],
    ),
    Write(
        "deleteOne",
        lambda things: things.delete_one({"x": {"$gte": 11}}).deleted_count,
        1,
        [(2, 22)],
    ),
    Write(
        "findOneAndUpdate",
        lambda things: things.find_one_and_update({"_id": 1}, {"$inc": {"x": 1}}),
        {"_id": 1, "x": 11},
        [(1, 12), (2, 22)],
    ),
    Write(
        "findOneAndUpdate that returns what it left",
        lambda things: things.find_one_and_update(
            {"_id": 1}, {"$inc": {"x": 1}}, return_document=ReturnDocument.AFTER
        ),
        {"_id": 1, "x": 12},
        [(1, 12), (2, 22)],
    ),
    Write(
        "findOneAndReplace",
        lambda things: things.find_one_and_replace({"x": {"$gte": 11}}, {"x": 5}, sort={"x": 1}),
        {"_id": 1, "x": 11},
        [(1, 5), (2, 22)],
    ),
    Write(
        "findOneAndDelete",
        lambda things: things.find_one_and_delete({"x": {"$gte": 11}}, sort={"x": 1}),
        {"_id": 1, "x": 11},
        [(2, 22)],
    ),
]

REQUESTS = [
    InsertOne({"_id": 3, "x": 33}),
    UpdateOne({"_id": 1}, {"$inc": {"x": 1}}),
    ReplaceOne({"x": 22}, {"x": 5}),
    DeleteOne({"x": {"$gte": 33}}),
]


def bulk(things: Collection[Document], ordered: bool) -> tuple[int, int, int]:
    result = things.bulk_write(REQUESTS, ordered=ordered)
    return result.inserted_count, result.modified_count, result.deleted_count


MULTI = [
    Write(
        "insertMany, ordered",
        lambda things: things.insert_many([{"_id": 3, "x": 33}, {"_id": 4, "x": 44}]).inserted_ids,
        [3, 4],
        [(1, 11), (2, 22), (3, 33), (4, 44)],
    ),
    Write(
        "insertMany, unordered",
        lambda things: things.insert_many(
            [{"_id": 3, "x": 33}, {"_id": 4, "x": 44}], ordered=False
        ).inserted_ids,
        [3, 4],
        [(1, 11), (2, 22), (3, 33), (4, 44)],
    ),
    Write("bulkWrite, ordered", lambda things: bulk(things, True), (1, 2, 1), [(1, 12), (2, 5)]),
    Write("bulkWrite, unordered", lambda things: bulk(things, False), (1, 2, 1), [(1, 12), (2, 5)]),
]

ALL = SINGLE + MULTI


def named(writes: list[Write]) -> Any:
    return pytest.mark.parametrize("write", writes, ids=[write.name for write in writes])


class Tried:
    """A client that retries writes, its collection, and what it sent."""

    def __init__(self, members: ReplicaSet) -> None:
        self.commands = Commands()
        self.client: MongoClient[Document] = members.client(event_listeners=[self.commands])
        self.things: Collection[Document] = self.client["retryable"]["things"]
        self.things.drop()
        self.things.insert_many([{"_id": number, "x": x} for number, x in START])
        self.commands.clear()

    def state(self) -> State:
        return [(document["_id"], document["x"]) for document in self.things.find().sort("_id")]


@pytest.fixture
def tried(members: ReplicaSet) -> Iterator[Tried]:
    tried = Tried(members)
    yield tried
    tried.client.close()


def run_with(tried: Tried, write: Write, mode: Mode, **data: Any) -> Any:
    with fail_point(tried.client, FAIL_POINT, mode, **data):
        tried.commands.clear()
        return write.run(tried.things)


@named(ALL)
def test_a_write_that_was_committed_when_its_connection_broke_is_not_done_again(
    tried: Tried, write: Write
) -> None:
    assert run_with(tried, write, {"times": 1}) == write.result
    numbers = tried.commands.transaction_numbers()
    assert numbers[0] == numbers[1] is not None
    assert tried.commands.replies[0] is None
    assert tried.state() == write.after


@named(ALL)
def test_a_write_that_was_not_committed_when_its_connection_broke_is_done_by_the_retry(
    tried: Tried, write: Write
) -> None:
    result = run_with(tried, write, {"times": 1}, failBeforeCommitExceptionCode=1)
    assert result == write.result
    numbers = tried.commands.transaction_numbers()
    assert numbers[0] == numbers[1] is not None
    assert tried.state() == write.after


@named(ALL)
def test_a_write_whose_connection_breaks_twice_before_it_is_committed_never_was(
    tried: Tried, write: Write
) -> None:
    with pytest.raises(PyMongoError):
        run_with(tried, write, {"times": 2}, failBeforeCommitExceptionCode=1)
    assert tried.state() == START


@named(SINGLE)
def test_a_write_of_one_statement_is_committed_once_though_every_commit_breaks_a_connection(
    tried: Tried, write: Write
) -> None:
    assert run_with(tried, write, "alwaysOn") == write.result
    assert tried.state() == write.after


@named(SINGLE)
def test_a_write_that_fails_with_its_connection_left_open_is_not_committed(
    tried: Tried, write: Write
) -> None:
    with pytest.raises(PyMongoError) as failure:
        data = {"failBeforeCommitExceptionCode": 1, "closeConnection": False}
        run_with(tried, write, {"times": 1}, **data)
    assert not isinstance(failure.value, AutoReconnect)
    assert tried.state() == START


def test_the_answer_to_a_retry_names_the_statements_that_were_done_before(tried: Tried) -> None:
    with fail_point(tried.client, FAIL_POINT, {"times": 1}):
        tried.commands.clear()
        tried.things.insert_many([{"_id": 3, "x": 33}, {"_id": 4, "x": 44}])
    lost, answer = tried.commands.replies[:2]
    assert lost is None
    assert answer is not None and answer["retriedStmtIds"] == [0, 1]


# Insert, update and delete go as commands of their own; each statement of the latter two is a
# commit.
@pytest.mark.parametrize(
    ("skip", "after"),
    [
        (0, [(1, 11), (2, 22)]),
        (1, [(1, 11), (2, 22), (3, 33)]),
        (2, [(1, 12), (2, 22), (3, 33)]),
        (3, [(1, 12), (2, 5), (3, 33)]),
    ],
)
def test_a_batch_split_by_type_stops_where_a_write_cannot_be_committed(
    tried: Tried, skip: int, after: State
) -> None:
    data = {"failBeforeCommitExceptionCode": 1}
    with fail_point(tried.client, FAIL_POINT, {"skip": skip}, **data):
        with pytest.raises((AutoReconnect, BulkWriteError)):
            tried.things.bulk_write(REQUESTS)
    assert tried.state() == after


@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_a_batch_split_by_type_is_done_once_wherever_connections_break(
    tried: Tried, skip: int
) -> None:
    """Every command is one commit here: the retry of several would meet the fail point again."""
    requests = [REQUESTS[0], REQUESTS[1], DeleteOne({"x": 33}), InsertOne({"_id": 4, "x": 44})]
    with fail_point(tried.client, FAIL_POINT, {"skip": skip}):
        result = tried.things.bulk_write(requests)
    assert (result.inserted_count, result.modified_count, result.deleted_count) == (2, 1, 1)
    assert tried.state() == [(1, 12), (2, 22), (4, 44)]


def test_inserts_split_by_their_number_are_done_once(tried: Tried) -> None:
    """One more than `maxWriteBatchSize`: all documents of a command are one commit."""
    most = tried.client.admin.command("hello")["maxWriteBatchSize"]
    documents = [{"_id": number} for number in range(10, 10 + most + 1)]
    with fail_point(tried.client, FAIL_POINT, {"skip": 1}):
        tried.commands.clear()
        tried.things.insert_many(documents)
    assert tried.commands.names() == ["insert", "insert", "insert", "configureFailPoint"]
    first, second, retry, _ = tried.commands.transaction_numbers()
    assert first != second == retry
    assert tried.things.estimated_document_count() == len(START) + len(documents)


def test_inserts_split_by_their_number_stop_where_one_cannot_be_committed(tried: Tried) -> None:
    most = tried.client.admin.command("hello")["maxWriteBatchSize"]
    documents = [{"_id": number} for number in range(10, 10 + most + 1)]
    data = {"failBeforeCommitExceptionCode": 1}
    with fail_point(tried.client, FAIL_POINT, {"skip": 1}, **data), pytest.raises(PyMongoError):
        tried.things.insert_many(documents)
    assert tried.things.estimated_document_count() == len(START) + most


@pytest.mark.parametrize("code", [None, 1])
def test_inserts_split_by_their_bytes_are_done_once(tried: Tried, code: int | None) -> None:
    """Five documents of 10 MiB are more than a message holds (48 000 000 bytes).

    They are too large to be committed together: each counts for the fail point, as with mongod, and
    the first command holds four.
    """
    documents = [{"_id": number, "x": "x" * 10 * MEBIBYTE} for number in range(10, 15)]
    data = {} if code is None else {"failBeforeCommitExceptionCode": code}
    with fail_point(tried.client, FAIL_POINT, {"skip": 4}, **data):
        tried.commands.clear()
        if code is None:
            tried.things.insert_many(documents)
        else:
            with pytest.raises(PyMongoError):
                tried.things.insert_many(documents)
    assert tried.commands.names() == ["insert", "insert", "insert", "configureFailPoint"]
    done = 5 if code is None else 4
    assert [document["_id"] for document in tried.things.find({}, {"_id": 1}).sort("_id")] == [
        *(number for number, _ in START),
        *range(10, 10 + done),
    ]
    tried.things.drop()
