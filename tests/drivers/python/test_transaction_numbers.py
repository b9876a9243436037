"""Which commands of the driver carry a transaction number, and which never do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from observing import Commands
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.write_concern import WriteConcern
from replica_set import ReplicaSet

Document = dict[str, Any]
Things = Collection[Document]

ONES = [InsertOne({}), UpdateOne({}, {"$set": {"x": 1}}), ReplaceOne({}, {}), DeleteOne({})]


def unacknowledged(things: Things) -> Things:
    return things.with_options(write_concern=WriteConcern(w=0))


NEVER: dict[str, Callable[[Things], object]] = {
    "an insert that nobody acknowledges": lambda things: unacknowledged(things).insert_one({}),
    "an update that nobody acknowledges": lambda things: unacknowledged(things).update_one(
        {}, {"$set": {"x": 1}}
    ),
    "a delete that nobody acknowledges": lambda things: unacknowledged(things).delete_one({}),
    "aggregate with $out": lambda things: things.aggregate([{"$out": "others"}]),
    "aggregate with $merge": lambda things: things.aggregate([{"$merge": "others"}]),
    "updateMany": lambda things: things.update_many({}, {"$set": {"x": 1}}),
    "deleteMany": lambda things: things.delete_many({}),
    "bulkWrite with an updateMany": lambda things: things.bulk_write(
        [UpdateMany({}, {"$set": {"x": 1}})]
    ),
    "bulkWrite with a deleteMany": lambda things: things.bulk_write([DeleteMany({})]),
}

ALWAYS: dict[str, Callable[[Things], object]] = {
    "insertOne": lambda things: things.insert_one({}),
    "updateOne": lambda things: things.update_one({}, {"$set": {"x": 1}}),
    "replaceOne": lambda things: things.replace_one({}, {}),
    "deleteOne": lambda things: things.delete_one({}),
    "findOneAndDelete": lambda things: things.find_one_and_delete({}),
    "findOneAndReplace": lambda things: things.find_one_and_replace({}, {}),
    "findOneAndUpdate": lambda things: things.find_one_and_update({}, {"$set": {"x": 1}}),
    "insertMany, ordered": lambda things: things.insert_many([{}, {}]),
    "insertMany, unordered": lambda things: things.insert_many([{}, {}], ordered=False),
    "bulkWrite, ordered": lambda things: things.bulk_write(ONES),
    "bulkWrite, unordered": lambda things: things.bulk_write(ONES, ordered=False),
}


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def things(members: ReplicaSet, commands: Commands) -> Iterator[Things]:
    with members.client(event_listeners=[commands]) as client:
        things = client["transaction_numbers"]["things"]
        things.drop()
        things.insert_one({"x": 0})
        commands.clear()
        yield things


@pytest.mark.parametrize("name", NEVER)
def test_a_write_that_cannot_be_retried_has_no_number(
    things: Things, commands: Commands, name: str
) -> None:
    NEVER[name](things)
    assert commands.sent, "nothing was sent"
    assert set(commands.transaction_numbers()) == {None}


@pytest.mark.parametrize("name", ALWAYS)
def test_a_write_that_can_be_retried_has_a_number(
    things: Things, commands: Commands, name: str
) -> None:
    ALWAYS[name](things)
    numbers = commands.transaction_numbers()
    assert None not in numbers
    # Each command has a number of its own.
    assert len(set(numbers)) == len(numbers) > 0
