"""Writes through the driver's methods: what they do, what they report, how they fail."""

from __future__ import annotations

import datetime
import re
import uuid
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from pymongo import (
    DeleteOne,
    InsertOne,
    MongoClient,
    ReplaceOne,
    ReturnDocument,
    UpdateMany,
    UpdateOne,
    WriteConcern,
)
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError
from refusals import refused
from waiting import until

Document = dict[str, Any]
Things = Collection[Document]


def numbered(count: int) -> list[Document]:
    return [{"_id": number, "n": number} for number in range(count)]


def test_insert_one_reports_the_id_the_driver_made(collection: Things) -> None:
    result = collection.insert_one({"a": 1})
    assert result.acknowledged
    assert isinstance(result.inserted_id, ObjectId)
    assert collection.find_one() == {"_id": result.inserted_id, "a": 1}


def test_the_server_puts_an_id_first_where_the_client_sent_none(collection: Things) -> None:
    reply = collection.database.command("insert", "things", documents=[{"a": 1}])
    assert reply["n"] == 1
    found = collection.find_one()
    assert found is not None
    assert list(found) == ["_id", "a"]
    assert isinstance(found["_id"], ObjectId)


def test_an_id_that_is_not_first_is_moved_to_the_front(collection: Things) -> None:
    collection.database.command("insert", "things", documents=[{"a": 1, "_id": 7}])
    assert list(collection.find_one() or {}) == ["_id", "a"]


@pytest.mark.parametrize("identity", [[1, 2], {"$a": 1}])
def test_an_id_of_a_forbidden_shape_is_a_write_error(collection: Things, identity: Any) -> None:
    with pytest.raises(WriteError) as failure:
        collection.insert_one({"_id": identity})
    assert failure.value.code in (2, 52, 53)
    assert collection.count_documents({}) == 0


def test_a_regular_expression_as_id_is_a_write_error(collection: Things) -> None:
    with pytest.raises(WriteError) as failure:
        collection.insert_one({"_id": re.compile("a")})
    assert failure.value.code == 2


def test_a_duplicate_id_tells_the_key(collection: Things) -> None:
    collection.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError) as failure:
        collection.insert_one({"_id": 1})
    details = failure.value.details
    assert details is not None
    assert details["code"] == 11000
    assert details["index"] == 0
    assert details["keyPattern"] == {"_id": 1}
    assert details["keyValue"] == {"_id": 1}
    assert details["errmsg"] == (
        f"E11000 duplicate key error collection: {collection.full_name} "
        "index: _id_ dup key: { _id: 1 }"
    )


def test_an_ordered_insert_stops_at_the_first_error(collection: Things) -> None:
    with pytest.raises(BulkWriteError) as failure:
        collection.insert_many([{"_id": 1}, {"_id": 1}, {"_id": 2}])
    assert failure.value.details["nInserted"] == 1
    assert [error["index"] for error in failure.value.details["writeErrors"]] == [1]
    assert [found["_id"] for found in collection.find()] == [1]


def test_an_unordered_insert_goes_on_after_errors(collection: Things) -> None:
    documents = [{"_id": 1}, {"_id": 1}, {"_id": 2}, {"_id": 2}, {"_id": 3}]
    with pytest.raises(BulkWriteError) as failure:
        collection.insert_many(documents, ordered=False)
    assert failure.value.details["nInserted"] == 3
    assert [error["index"] for error in failure.value.details["writeErrors"]] == [1, 3]
    assert collection.count_documents({}) == 3


def test_a_batch_larger_than_one_message_is_inserted_whole(collection: Things) -> None:
    text = "x" * 1_000_000
    collection.insert_many([{"_id": number, "text": text} for number in range(60)])
    assert collection.count_documents({}) == 60
    assert collection.find_one({"_id": 59}) == {"_id": 59, "text": text}


def test_a_document_over_sixteen_megabytes_is_refused(collection: Things) -> None:
    half = "x" * (9 * 1024 * 1024)
    collection.insert_one({"_id": 1, "half": half})
    with pytest.raises(WriteError) as failure:
        collection.update_one({"_id": 1}, {"$set": {"other": half}})
    assert failure.value.code in (10334, 17419)
    assert list(collection.find_one() or {}) == ["_id", "half"]


def test_update_one_tells_matched_from_modified(collection: Things) -> None:
    collection.insert_many(numbered(3))
    changed = collection.update_one({"n": 1}, {"$set": {"n": 10}})
    assert (changed.matched_count, changed.modified_count) == (1, 1)
    same = collection.update_one({"n": 10}, {"$set": {"n": 10}})
    assert (same.matched_count, same.modified_count, same.upserted_id) == (1, 0, None)
    none = collection.update_one({"n": 99}, {"$set": {"n": 10}})
    assert (none.matched_count, none.modified_count) == (0, 0)


def test_update_many_changes_every_match_once(collection: Things) -> None:
    collection.insert_many(numbered(10))
    result = collection.update_many({"n": {"$gte": 4}}, {"$inc": {"n": 100}})
    assert (result.matched_count, result.modified_count) == (6, 6)
    assert sorted(found["n"] for found in collection.find()) == [0, 1, 2, 3, *range(104, 110)]


def test_an_update_that_moves_documents_ahead_of_its_scan_changes_them_once(
    collection: Things,
) -> None:
    collection.create_index("n")
    collection.insert_many(numbered(200))
    result = collection.update_many({"n": {"$gte": 0}}, {"$inc": {"n": 1000}})
    assert result.modified_count == 200
    assert collection.count_documents({"n": {"$gte": 1000, "$lt": 1200}}) == 200


def test_an_upsert_takes_the_equalities_of_its_filter(collection: Things) -> None:
    result = collection.update_one(
        {"_id": "new", "a": 1, "b": {"$gt": 5}, "$and": [{"c": {"$eq": 3}}]},
        {"$set": {"d": 4}, "$setOnInsert": {"e": 5}},
        upsert=True,
    )
    assert (result.matched_count, result.modified_count, result.upserted_id) == (0, 0, "new")
    assert collection.find_one() == {"_id": "new", "a": 1, "c": 3, "d": 4, "e": 5}


def test_an_upsert_without_an_id_gets_one(collection: Things) -> None:
    result = collection.update_one({"a": 1}, {"$inc": {"b": 2}}, upsert=True)
    assert isinstance(result.upserted_id, ObjectId)
    assert collection.find_one() == {"_id": result.upserted_id, "a": 1, "b": 2}


def test_set_on_insert_does_nothing_to_a_document_that_is_there(collection: Things) -> None:
    collection.insert_one({"_id": 1, "a": 1})
    collection.update_one({"_id": 1}, {"$set": {"b": 2}, "$setOnInsert": {"c": 3}}, upsert=True)
    assert collection.find_one() == {"_id": 1, "a": 1, "b": 2}


def test_replace_one_keeps_the_id(collection: Things) -> None:
    collection.insert_one({"_id": 1, "a": 1, "b": 2})
    result = collection.replace_one({"a": 1}, {"c": 3})
    assert (result.matched_count, result.modified_count) == (1, 1)
    assert collection.find_one() == {"_id": 1, "c": 3}
    with pytest.raises(WriteError) as failure:
        collection.replace_one({"_id": 1}, {"_id": 2})
    assert failure.value.code == 66


def test_replace_one_upserts_with_the_id_of_the_filter(collection: Things) -> None:
    result = collection.replace_one({"_id": 5}, {"a": 1}, upsert=True)
    assert result.upserted_id == 5
    assert collection.find_one() == {"_id": 5, "a": 1}


OPERATORS = [
    ({"a": 1}, {"$inc": {"a": 2}}, {"a": 3}),
    ({"a": 3}, {"$mul": {"a": 4}}, {"a": 12}),
    ({}, {"$mul": {"a": 4}}, {"a": 0}),
    ({"a": 5}, {"$min": {"a": 3}}, {"a": 3}),
    ({"a": 5}, {"$max": {"a": 3}}, {"a": 5}),
    ({"a": 5, "b": 1}, {"$unset": {"a": ""}}, {"b": 1}),
    ({"a": 5}, {"$rename": {"a": "b"}}, {"b": 5}),
    ({"a": {"b": 1}}, {"$set": {"a.c": 2}}, {"a": {"b": 1, "c": 2}}),
    ({"a": [1, 2]}, {"$set": {"a.3": 4}}, {"a": [1, 2, None, 4]}),
    ({"a": [1]}, {"$push": {"a": 2}}, {"a": [1, 2]}),
    ({}, {"$push": {"a": 2}}, {"a": [2]}),
    (
        {"a": [5, 1]},
        {"$push": {"a": {"$each": [3, 2], "$sort": 1, "$slice": 3}}},
        {"a": [1, 2, 3]},
    ),
    ({"a": [1, 4]}, {"$push": {"a": {"$each": [2, 3], "$position": 1}}}, {"a": [1, 2, 3, 4]}),
    ({"a": [1, 2]}, {"$addToSet": {"a": {"$each": [2, 3, 3]}}}, {"a": [1, 2, 3]}),
    ({"a": [1, 2, 3]}, {"$pop": {"a": 1}}, {"a": [1, 2]}),
    ({"a": [1, 2, 3]}, {"$pop": {"a": -1}}, {"a": [2, 3]}),
    ({"a": [1, 2, 3, 2]}, {"$pull": {"a": 2}}, {"a": [1, 3]}),
    ({"a": [{"b": 1}, {"b": 5}]}, {"$pull": {"a": {"b": {"$gt": 3}}}}, {"a": [{"b": 1}]}),
    ({"a": [1, 2, 3, 1]}, {"$pullAll": {"a": [1, 3]}}, {"a": [2]}),
    ({"a": 13}, {"$bit": {"a": {"and": 10}}}, {"a": 8}),
    ({"a": [1, 2, 3]}, {"$inc": {"a.$[]": 10}}, {"a": [11, 12, 13]}),
]


@pytest.mark.parametrize(("before", "update", "after"), OPERATORS)
def test_update_operators(
    collection: Things, before: Document, update: Document, after: Document
) -> None:
    collection.insert_one({"_id": 1, **before})
    collection.update_one({"_id": 1}, update)
    assert collection.find_one() == {"_id": 1, **after}


def test_current_date_sets_the_time_of_the_server(collection: Things) -> None:
    collection.insert_one({"_id": 1})
    collection.update_one({}, {"$currentDate": {"at": True, "stamp": {"$type": "timestamp"}}})
    found = collection.find_one({"at": {"$type": "date"}, "stamp": {"$type": "timestamp"}})
    assert found is not None


def test_the_positional_operator_changes_the_element_that_matched(collection: Things) -> None:
    collection.insert_one({"_id": 1, "marks": [{"of": "a", "is": 1}, {"of": "b", "is": 2}]})
    collection.update_one({"marks.of": "b"}, {"$set": {"marks.$.is": 9}})
    assert collection.find_one() == {
        "_id": 1,
        "marks": [{"of": "a", "is": 1}, {"of": "b", "is": 9}],
    }


def test_array_filters_choose_the_elements(collection: Things) -> None:
    collection.insert_one({"_id": 1, "a": [{"n": 1}, {"n": 5}, {"n": 9}]})
    result = collection.update_one(
        {"_id": 1}, {"$set": {"a.$[big].seen": True}}, array_filters=[{"big.n": {"$gte": 5}}]
    )
    assert result.modified_count == 1
    assert collection.find_one() == {
        "_id": 1,
        "a": [{"n": 1}, {"n": 5, "seen": True}, {"n": 9, "seen": True}],
    }
    with pytest.raises(WriteError) as failure:
        collection.update_one({}, {"$set": {"a.$[none].x": 1}})
    assert failure.value.code == 2


def test_a_pipeline_updates_from_the_document_itself(collection: Things) -> None:
    collection.insert_one({"_id": 1, "a": 2, "b": 3})
    collection.update_one(
        {"_id": 1},
        [{"$set": {"sum": {"$add": ["$a", "$b", "$$extra"]}}}, {"$unset": "a"}],
        let={"extra": 10},
    )
    assert collection.find_one() == {"_id": 1, "b": 3, "sum": 15}


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"$inc": {"text": 1}}, 14),
        ({"$push": {"text": 1}}, 2),
        ({"$set": {"text.deeper": 1}}, 28),
        ({"$set": {"a": 1}, "$inc": {"a": 1}}, 40),
        ({"$set": {"_id": 2}}, 66),
        ({"$nothing": {"a": 1}}, 9),
        ({"$inc": {"n": "one"}}, 14),
        ({"$rename": {"a": "a"}}, 2),
    ],
)
def test_an_update_that_cannot_be_done_tells_why(
    collection: Things, update: Document, code: int
) -> None:
    collection.insert_one({"_id": 1, "text": "abc", "n": 1})
    with pytest.raises(WriteError) as failure:
        collection.update_one({"_id": 1}, update)
    assert failure.value.code == code, failure.value
    assert collection.find_one() == {"_id": 1, "text": "abc", "n": 1}


def test_delete_reports_what_went(collection: Things) -> None:
    collection.insert_many(numbered(10))
    assert collection.delete_one({"n": {"$gt": 5}}).deleted_count == 1
    assert collection.delete_many({"n": {"$lt": 5}}).deleted_count == 5
    assert collection.delete_one({"n": 99}).deleted_count == 0
    assert collection.count_documents({}) == 4


@pytest.mark.parametrize(
    ("return_document", "expected"),
    [(ReturnDocument.BEFORE, {"_id": 1, "n": 1}), (ReturnDocument.AFTER, {"_id": 1, "n": 2})],
)
def test_find_one_and_update_returns_either_side(
    collection: Things, return_document: bool, expected: Document
) -> None:
    collection.insert_one({"_id": 1, "n": 1})
    found = collection.find_one_and_update(
        {"_id": 1}, {"$inc": {"n": 1}}, return_document=return_document
    )
    assert found == expected


def test_find_one_and_update_sorts_and_projects(collection: Things) -> None:
    collection.insert_many([{"_id": number, "n": -number, "x": 1} for number in range(5)])
    found = collection.find_one_and_update(
        {}, {"$set": {"x": 2}}, sort=[("n", 1)], projection={"_id": 0, "n": 1}
    )
    assert found == {"n": -4}
    assert collection.find_one({"x": 2}) == {"_id": 4, "n": -4, "x": 2}


def test_find_one_and_update_upserts(collection: Things) -> None:
    before = collection.find_one_and_update({"_id": 1}, {"$set": {"a": 1}}, upsert=True)
    assert before is None
    after = collection.find_one_and_update(
        {"_id": 2}, {"$set": {"a": 1}}, upsert=True, return_document=ReturnDocument.AFTER
    )
    assert after == {"_id": 2, "a": 1}
    raw = collection.database.command(
        "findAndModify", "things", query={"_id": 3}, update={"$set": {"a": 1}}, upsert=True
    )
    assert raw["lastErrorObject"] == {"n": 1, "updatedExisting": False, "upserted": 3}
    assert raw["value"] is None


def test_find_one_and_replace_and_delete(collection: Things) -> None:
    collection.insert_one({"_id": 1, "a": 1})
    assert collection.find_one_and_replace({"a": 1}, {"b": 2}) == {"_id": 1, "a": 1}
    assert collection.find_one_and_delete({"b": 2}) == {"_id": 1, "b": 2}
    assert collection.find_one_and_delete({"b": 2}) is None
    assert collection.find_one_and_update({"b": 2}, {"$set": {"c": 1}}) is None


def test_find_and_modify_refuses_options_that_exclude_each_other(collection: Things) -> None:
    with refused(9, "remove"):
        collection.database.command(
            "findAndModify", "things", query={}, remove=True, update={"$set": {"a": 1}}
        )
    with refused(9):
        collection.database.command("findAndModify", "things", query={}, remove=True, new=True)
    with refused(9):
        collection.database.command("findAndModify", "things", query={})


def test_bulk_write_counts_every_kind(collection: Things) -> None:
    result = collection.bulk_write(
        [
            InsertOne({"_id": 1, "n": 1}),
            InsertOne({"_id": 2, "n": 1}),
            UpdateMany({"n": 1}, {"$set": {"n": 2}}),
            UpdateOne({"_id": 3}, {"$set": {"n": 3}}, upsert=True),
            ReplaceOne({"_id": 1}, {"n": 9}),
            DeleteOne({"_id": 2}),
        ]
    )
    assert result.inserted_count == 2
    assert result.matched_count == 3
    assert result.modified_count == 3
    assert result.upserted_count == 1
    assert result.upserted_ids == {3: 3}
    assert result.deleted_count == 1
    assert list(collection.find().sort("_id")) == [{"_id": 1, "n": 9}, {"_id": 3, "n": 3}]


def test_an_ordered_bulk_write_stops_and_an_unordered_goes_on(collection: Things) -> None:
    requests: list[Any] = [
        InsertOne({"_id": 1}),
        UpdateOne({"_id": 1}, {"$set": {"n": 1}}),
        InsertOne({"_id": 1}),
        DeleteOne({"_id": 1}),
    ]
    with pytest.raises(BulkWriteError) as failure:
        collection.bulk_write(requests)
    assert failure.value.details["writeErrors"][0]["index"] == 2
    assert failure.value.details["nRemoved"] == 0
    assert collection.find_one() == {"_id": 1, "n": 1}
    collection.delete_many({})
    with pytest.raises(BulkWriteError) as failure:
        collection.bulk_write(requests, ordered=False)
    assert failure.value.details["nRemoved"] == 1


def test_writes_nobody_waits_for_are_done(collection: Things) -> None:
    silent = collection.with_options(write_concern=WriteConcern(w=0))
    assert not silent.insert_many(numbered(20)).acknowledged
    assert not silent.update_one({"_id": 1}, {"$set": {"n": 100}}).acknowledged
    assert not silent.delete_one({"_id": 2}).acknowledged
    assert not silent.insert_one({"_id": 1}).acknowledged
    until(lambda: collection.count_documents({}) == 19, "nineteen documents")
    assert collection.find_one({"_id": 1}) == {"_id": 1, "n": 100}


@pytest.mark.parametrize("concern", [{"w": 1}, {"w": "majority"}, {"w": 1, "j": True}])
def test_a_single_server_meets_the_write_concerns_it_can(
    collection: Things, concern: Document
) -> None:
    collection.with_options(write_concern=WriteConcern(**concern)).insert_one({"_id": 1})
    assert collection.count_documents({}) == 1


def test_a_single_server_refuses_to_wait_for_two(collection: Things) -> None:
    with refused(2, "cannot use 'w' > 1 when a host is not replicated"):
        collection.with_options(write_concern=WriteConcern(w=2)).insert_one({"_id": 1})


def test_retryable_writes_need_no_replica_set(client: MongoClient[Document]) -> None:
    assert client.options.retry_writes
    things = client.get_database("test_retry")["things"]
    things.insert_one({"_id": 1})
    things.update_one({"_id": 1}, {"$set": {"a": 1}})
    client.drop_database("test_retry")


def test_a_transaction_number_is_refused_by_a_single_server(collection: Things) -> None:
    with refused(20, "Transaction numbers are only allowed on a replica set member or mongos"):
        collection.database.command(
            {
                "insert": "things",
                "documents": [{"_id": 1}],
                "lsid": {"id": Binary(b"0" * 16, 4)},
                "txnNumber": Int64(1),
            }
        )


def test_updates_sort_to_choose_their_document(collection: Things) -> None:
    collection.insert_many(numbered(5))
    collection.update_one({}, {"$set": {"chosen": True}}, sort={"n": -1})
    assert collection.find_one({"chosen": True}) == {"_id": 4, "n": 4, "chosen": True}


def test_every_type_comes_back_as_it_went(collection: Things) -> None:
    document = {
        "_id": ObjectId(),
        "double": 1.5,
        "infinite": float("inf"),
        "string": "a\x00b ü 🙂",
        "document": {"": {"x": [1, [2, []]]}},
        "array": [1, "a", None],
        "binary": b"\x00\x01",
        "uuid": Binary.from_uuid(uuid.uuid4()),
        "true": True,
        "date": datetime.datetime(1901, 1, 1, 12, 30, 15, 123000),
        "null": None,
        "regex": re.compile("^a.b", re.IGNORECASE),
        "code": Code("function() {}"),
        "scope": Code("x", {"x": 1}),
        "int": -(2**31),
        "timestamp": Timestamp(1, 2),
        "long": Int64(2**62),
        "decimal": Decimal128("1.000E+6000"),
        "min": MinKey(),
        "max": MaxKey(),
    }
    collection.insert_one(document)
    found = collection.find_one()
    assert found is not None
    assert list(found) == list(document)
    for name, value in document.items():
        if name == "regex":
            value = found[name].__class__.from_native(value)
        assert found[name] == value, name
        assert type(found[name]) is type(value), name
