"""Reads through find, count and distinct: what matches, in which order, in which shape."""

from __future__ import annotations

import datetime
import random
import re
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo.collation import Collation
from pymongo.collection import Collection
from pymongo.errors import CursorNotFound, OperationFailure
from refusals import refused

Document = dict[str, Any]
Things = Collection[Document]


def found(collection: Things, query: Document) -> list[Any]:
    return [document["_id"] for document in collection.find(query).sort("_id")]


MIXED: list[Document] = [
    {"_id": 0},
    {"_id": 1, "a": None},
    {"_id": 2, "a": 1},
    {"_id": 3, "a": 2.0},
    {"_id": 4, "a": "text"},
    {"_id": 5, "a": [1, 2, 3]},
    {"_id": 6, "a": []},
    {"_id": 7, "a": {"b": 1, "c": 2}},
    {"_id": 8, "a": [{"b": 1}, {"b": 2, "c": 5}]},
    {"_id": 9, "a": True},
    {"_id": 10, "a": [None]},
    {"_id": 11, "a": [[1, 2]]},
]

QUERIES: list[tuple[Document, list[int]]] = [
    ({"a": None}, [0, 1, 10]),
    ({"a": {"$ne": None}}, [2, 3, 4, 5, 6, 7, 8, 9, 11]),
    ({"a": {"$exists": False}}, [0]),
    ({"a": {"$exists": True}}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ({"a": 1}, [2, 5]),
    ({"a": {"$ne": 1}}, [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]),
    ({"a": 2}, [3, 5]),
    ({"a": {"$gt": 1}}, [3, 5]),
    ({"a": {"$gte": 1, "$lt": 2}}, [2, 5]),
    ({"a": {"$lte": "text"}}, [4]),
    ({"a": {"$in": [None, "text"]}}, [0, 1, 4, 10]),
    ({"a": {"$nin": [1, 2, None]}}, [4, 6, 7, 8, 9, 11]),
    ({"a": [1, 2, 3]}, [5]),
    ({"a": []}, [6]),
    ({"a": [1, 2]}, [11]),
    ({"a": {"b": 1, "c": 2}}, [7]),
    ({"a": {"c": 2, "b": 1}}, []),
    ({"a.b": 1}, [7, 8]),
    ({"a.b": None}, [0, 1, 2, 3, 4, 9]),
    ({"a.0": 1}, [5]),
    ({"a.1.c": 5}, [8]),
    ({"a": {"$elemMatch": {"b": 2, "c": 5}}}, [8]),
    ({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}, [5]),
    ({"a": {"$size": 0}}, [6]),
    ({"a": {"$size": 3}}, [5]),
    ({"a": {"$all": [1, 3]}}, [5]),
    ({"a": {"$type": "number"}}, [2, 3, 5]),
    ({"a": {"$type": "array"}}, [5, 6, 8, 10, 11]),
    ({"a": {"$type": ["bool", "string"]}}, [4, 9]),
    ({"a": {"$not": {"$type": "array"}}}, [0, 1, 2, 3, 4, 7, 9]),
    ({"a": re.compile("^TE", re.I)}, [4]),
    ({"a": {"$regex": "xt$"}}, [4]),
    ({"a": {"$mod": [2, 0]}}, [3, 5]),
    ({"$or": [{"a": "text"}, {"a": True}]}, [4, 9]),
    ({"$nor": [{"a": {"$exists": True}}]}, [0]),
    ({"$and": [{"a": 1}, {"a": 2}]}, [5]),
    ({"$expr": {"$eq": ["$a", 2]}}, [3]),
    ({"$expr": {"$gt": [{"$size": {"$cond": [{"$isArray": "$a"}, "$a", []]}}, 1]}}, [5, 8]),
    ({"a": {"$bitsAllSet": 1}}, [2, 5]),
    ({"$comment": "nothing", "_id": {"$lt": 2}}, [0, 1]),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=lambda value: str(value)[:60])
def test_filters(collection: Things, query: Document, expected: list[int]) -> None:
    collection.insert_many(MIXED)
    assert found(collection, query) == sorted(expected)


@pytest.mark.parametrize(("query", "expected"), QUERIES[:36], ids=lambda value: str(value)[:60])
def test_filters_match_the_same_through_an_index(
    collection: Things, query: Document, expected: list[int]
) -> None:
    collection.insert_many(MIXED)
    collection.create_index("a")
    assert found(collection, query) == sorted(expected)


@pytest.mark.parametrize(
    ("query", "code", "part"),
    [
        ({"a": {"$wrong": 1}}, 2, "unknown operator: $wrong"),
        ({"$wrong": 1}, 2, "unknown top level operator: $wrong"),
        ({"a": {"$in": 1}}, 2, "$in needs an array"),
        ({"$or": []}, 2, "nonempty array"),
        ({"$or": 1}, 2, "$or must be an array"),
        ({"a": {"$size": -1}}, 2, "negative"),
        ({"a": {"$regex": "("}}, 51091, "Regular expression is invalid"),
        ({"a": {"$mod": [0, 1]}}, 2, "divisor cannot be 0"),
        ({"a": {"$type": "nothing"}}, 2, "Unknown type name alias: nothing"),
        ({"$expr": {"$nothing": 1}}, 168, "Unrecognized expression '$nothing'"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(
    collection: Things, query: Document, code: int, part: str
) -> None:
    collection.insert_one({"a": 1})
    with refused(code, part):
        list(collection.find(query))


IN_ORDER: list[Any] = [
    MinKey(),
    [],  # before null, as if it were undefined
    None,
    -1.5,
    0,
    Int64(1),
    Decimal128("1.5"),
    2,
    "",
    "a",
    "b",
    {},
    {"a": 1},
    {"a": 2},
    {"b": 1},
    b"\x01",
    b"\x00\x00",
    Binary(b"\x00\x00", 5),
    ObjectId("000000000000000000000001"),
    False,
    True,
    datetime.datetime(1970, 1, 1),
    Timestamp(1, 1),
    Regex("a"),
    MaxKey(),
]


@pytest.mark.parametrize("indexed", [False, True])
def test_values_of_every_type_sort_as_bson_does(collection: Things, indexed: bool) -> None:
    documents = [{"_id": place, "a": value} for place, value in enumerate(IN_ORDER)]
    random.Random(7).shuffle(documents)
    collection.insert_many(documents)
    if indexed:
        collection.create_index("a")
    ascending = [document["_id"] for document in collection.find().sort("a", 1)]
    assert ascending == list(range(len(IN_ORDER)))
    descending = [document["_id"] for document in collection.find().sort("a", -1)]
    assert descending == list(reversed(range(len(IN_ORDER))))


def test_arrays_sort_by_their_least_or_greatest(collection: Things) -> None:
    collection.insert_many([{"_id": 1, "a": [5, 1]}, {"_id": 2, "a": 3}, {"_id": 3, "a": [4]}])
    assert [found["_id"] for found in collection.find().sort("a", 1)] == [1, 2, 3]
    assert [found["_id"] for found in collection.find().sort("a", -1)] == [1, 3, 2]


def test_sorts_of_several_fields_skip_and_limit(collection: Things) -> None:
    collection.insert_many([{"_id": n, "a": n % 3, "b": n} for n in range(12)])
    cursor = collection.find().sort([("a", 1), ("b", -1)]).skip(3).limit(3)
    assert [(found["a"], found["b"]) for found in cursor] == [(0, 0), (1, 10), (1, 7)]


PROJECTIONS: list[tuple[Document, Document]] = [
    ({"a": 1}, {"_id": 1, "a": {"b": 1, "c": 2}}),
    ({"a": 1, "_id": 0}, {"a": {"b": 1, "c": 2}}),
    ({"a": 0, "list": 0}, {"_id": 1, "text": "t"}),
    ({"a.b": 1}, {"_id": 1, "a": {"b": 1}}),
    ({"a": {"c": 1}}, {"_id": 1, "a": {"c": 2}}),
    ({"a.b": 0, "list": 0}, {"_id": 1, "a": {"c": 2}, "text": "t"}),
    ({"list": {"$slice": 1}, "text": 1}, {"_id": 1, "list": [{"n": 1}], "text": "t"}),
    ({"list": {"$slice": [1, 1]}, "_id": 1}, {"_id": 1, "list": [{"n": 2}]}),
    ({"list": {"$elemMatch": {"n": {"$gt": 1}}}}, {"_id": 1, "list": [{"n": 2}]}),
    ({"list.n": 1}, {"_id": 1, "list": [{"n": 1}, {"n": 2}, {"n": 3}]}),
    ({"_id": 0, "sum": {"$sum": "$list.n"}}, {"sum": 6}),
    ({"text": "$a.b"}, {"_id": 1, "text": 1}),
    ({"none": 1}, {"_id": 1}),
]


@pytest.mark.parametrize(("projection", "expected"), PROJECTIONS, ids=lambda v: str(v)[:60])
def test_projections(collection: Things, projection: Document, expected: Document) -> None:
    collection.insert_one(
        {"_id": 1, "a": {"b": 1, "c": 2}, "list": [{"n": 1}, {"n": 2}, {"n": 3}], "text": "t"}
    )
    assert collection.find_one({}, projection) == expected


def test_the_positional_projection_shows_what_matched(collection: Things) -> None:
    collection.insert_one({"_id": 1, "list": [1, 5, 9]})
    assert collection.find_one({"list": {"$gt": 4}}, {"list.$": 1}) == {"_id": 1, "list": [5]}


@pytest.mark.parametrize(
    ("projection", "code"),
    [({"a": 1, "b": 0}, 31254), ({"a": 0, "b": 1}, 31253), ({"a": 1, "a.b": 1}, 31249)],
)
def test_a_projection_that_contradicts_itself_is_refused(
    collection: Things, projection: Document, code: int
) -> None:
    collection.insert_one({"a": 1})
    with refused(code):
        collection.find_one({}, projection)


def test_a_cursor_goes_on_in_batches(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(250)])
    cursor = collection.find(batch_size=100).sort("_id")
    assert [found["_id"] for found in cursor] == list(range(250))
    default = collection.find()
    next(default)
    assert len(default._data) == 100  # 101 are in a first batch
    assert len(list(default)) == 249


def test_a_limit_ends_the_cursor_on_the_server(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(10)])
    cursor = collection.find(limit=4, batch_size=2)
    assert len(list(cursor)) == 4
    assert not cursor.alive
    reply = collection.database.command("find", "things", limit=4, batchSize=4)
    assert reply["cursor"]["id"] == 0
    single = collection.database.command("find", "things", batchSize=2, singleBatch=True)
    assert single["cursor"]["id"] == 0
    assert len(single["cursor"]["firstBatch"]) == 2
    empty = collection.database.command("find", "things", batchSize=0)
    assert empty["cursor"]["firstBatch"] == []
    assert empty["cursor"]["id"] != 0


def test_large_documents_end_a_batch_at_its_size(collection: Things) -> None:
    text = "x" * 1_000_000
    collection.insert_many([{"_id": number, "text": text} for number in range(40)])
    reply = collection.database.command("find", "things", batchSize=1000)
    assert 10 <= len(reply["cursor"]["firstBatch"]) <= 17
    assert sum(1 for _ in collection.find(batch_size=1000)) == 40


def test_a_killed_cursor_is_gone(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(10)])
    cursor = collection.find(batch_size=2)
    next(cursor)
    killed = collection.database.command(
        "killCursors", "things", cursors=[cursor.cursor_id, Int64(12345)]
    )
    assert killed["cursorsKilled"] == [cursor.cursor_id]
    assert killed["cursorsNotFound"] == [12345]
    assert killed["cursorsAlive"] == []
    with pytest.raises(CursorNotFound) as failure:
        list(cursor)
    assert failure.value.code == 43


def test_a_cursor_belongs_to_its_collection(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(10)])
    cursor = collection.find(batch_size=2)
    next(cursor)
    with refused(13):
        collection.database.command("getMore", cursor.cursor_id, collection="others")


def test_a_cursor_lives_through_writes(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(100)])
    cursor = collection.find(batch_size=10).sort("_id")
    seen = [next(cursor)["_id"] for _ in range(10)]
    collection.delete_many({"_id": {"$gte": 50}})
    seen += [document["_id"] for document in cursor]
    assert seen[:50] == list(range(50))


def test_dropping_a_collection_ends_its_cursors(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(100)])
    cursor = collection.find(batch_size=2)
    next(cursor)
    next(cursor)
    collection.drop()
    with refused(175):
        next(cursor)


def test_count_and_distinct(collection: Things) -> None:
    collection.insert_many(MIXED)
    assert collection.estimated_document_count() == len(MIXED)
    assert collection.count_documents({"a": {"$type": "array"}}) == 5
    assert collection.count_documents({}, skip=2, limit=3) == 3
    assert collection.database.command("count", "things", query={"a": 1}, skip=1)["n"] == 1
    assert collection.distinct("a.b") == [1, 2]
    assert collection.distinct("a", {"_id": {"$in": [2, 5]}}) == [1, 2, 3]


def test_a_hint_decides_the_index(collection: Things) -> None:
    collection.insert_many([{"_id": number, "a": number, "b": number} for number in range(20)])
    collection.create_index("a")
    collection.create_index("b", name="by_b")
    for hint in ("by_b", [("b", 1)]):
        plan = collection.find({"a": 5, "b": {"$gte": 0}}).hint(hint).explain()
        assert "by_b" in str(plan["queryPlanner"]["winningPlan"])
    assert list(collection.find({"a": 5}).hint([("$natural", -1)])) == [{"_id": 5, "a": 5, "b": 5}]
    with refused(2, "hint"):
        list(collection.find({"a": 5}).hint("nothing"))


def test_natural_order_can_be_turned(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(5)])
    turned = collection.find().sort("$natural", -1)
    assert [document["_id"] for document in turned] == [4, 3, 2, 1, 0]


def test_min_and_max_bound_an_index(collection: Things) -> None:
    collection.insert_many([{"_id": number, "a": number} for number in range(10)])
    collection.create_index("a")
    cursor = collection.find().min([("a", 3)]).max([("a", 6)]).hint([("a", 1)])
    assert [document["_id"] for document in cursor] == [3, 4, 5]
    keys = list(collection.find({"a": 4}, return_key=True).hint([("a", 1)]))
    assert keys == [{"a": 4}]


def test_a_collation_decides_what_is_equal(collection: Things) -> None:
    collection.insert_many([{"a": "a"}, {"a": "A"}])
    assert collection.count_documents({"a": "A"}, collation=Collation("simple")) == 1
    english = Collation("en", strength=2)
    assert len(list(collection.find({"a": "a"}).collation(english))) == 2
    assert collection.distinct("a", collation=english) == ["a"]
    with pytest.raises(OperationFailure, match="locale"):
        list(collection.find({"a": "a"}).collation(Collation("nonesuch")))


def test_let_gives_variables_to_expressions(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(5)])
    cursor = collection.find({"$expr": {"$gt": ["$_id", "$$least"]}}, let={"least": 2})
    assert sorted(document["_id"] for document in cursor) == [3, 4]


def test_an_unknown_option_is_refused(collection: Things) -> None:
    with refused(40415, "BSON field 'FindCommandRequest.nothing' is an unknown field"):
        collection.database.command("find", "things", nothing=1)


def test_a_missing_collection_is_empty(collection: Things) -> None:
    assert list(collection.find()) == []
    assert collection.count_documents({}) == 0
    assert collection.estimated_document_count() == 0
    assert collection.distinct("a") == []
    assert list(collection.aggregate([{"$match": {}}])) == []
