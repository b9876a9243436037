"""Indexes: made, listed, dropped, used by reads, and kept by writes."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError
from quired import Quired
from refusals import refused
from waiting import until

Document = dict[str, Any]
Things = Collection[Document]


def stages(plan: Document) -> list[str]:
    """The stages of a winning plan, from the answer down to the scan."""
    names = []
    stage = plan["queryPlanner"]["winningPlan"]
    while stage:
        names.append(stage["stage"])
        stage = stage.get("inputStage")
    return names


def test_indexes_are_made_listed_and_dropped(collection: Things) -> None:
    assert collection.create_index([("a", ASCENDING), ("b", DESCENDING)]) == "a_1_b_-1"
    names = collection.create_indexes([IndexModel("c"), IndexModel("d.e", name="deep")])
    assert names == ["c_1", "deep"]
    listed = {index["name"]: index for index in collection.list_indexes()}
    assert list(listed) == ["_id_", "a_1_b_-1", "c_1", "deep"]
    assert listed["a_1_b_-1"]["key"] == {"a": 1, "b": -1}
    assert listed["a_1_b_-1"]["v"] == 2
    collection.drop_index("deep")
    collection.drop_index([("c", 1)])
    assert list(collection.index_information()) == ["_id_", "a_1_b_-1"]
    collection.drop_indexes()
    assert list(collection.index_information()) == ["_id_"]


def test_the_reply_to_create_indexes_counts(collection: Things) -> None:
    database = collection.database
    indexes = [{"key": {"a": 1}, "name": "a_1"}]
    first = database.command("createIndexes", "things", indexes=indexes)
    assert first["numIndexesBefore"] == 1
    assert first["numIndexesAfter"] == 2
    assert first["createdCollectionAutomatically"] is True
    again = database.command("createIndexes", "things", indexes=indexes)
    assert again["numIndexesBefore"] == again["numIndexesAfter"] == 2
    assert again["note"] == "all indexes already exist"
    assert database.command("dropIndexes", "things", index="a_1")["nIndexesWas"] == 2


def test_indexes_that_contradict_each_other_are_refused(collection: Things) -> None:
    collection.create_index("a")
    with refused(85, "already exists with a different name"):
        collection.create_index("a", name="other")
    with refused(86, "same name"):
        collection.create_index("a", name="a_1", unique=True)
    with refused(86):
        collection.create_index("b", name="a_1")


@pytest.mark.parametrize(
    ("key", "code"), [({"a": 0}, 67), ({"a": "nothing"}, 67), ({}, 67), ({"": 1}, 67)]
)
def test_a_key_that_makes_no_index_is_refused(collection: Things, key: Document, code: int) -> None:
    with refused(code):
        collection.database.command("createIndexes", "things", indexes=[{"key": key, "name": "x"}])


def test_what_is_not_there_cannot_be_dropped_or_listed(collection: Things) -> None:
    with refused(26, "ns not found"):
        collection.database.command("dropIndexes", "things", index="a_1")
    with refused(26, "ns does not exist"):
        collection.database.command("listIndexes", "things")
    assert list(collection.list_indexes()) == []
    collection.insert_one({})
    with refused(27, "index not found with name [a_1]"):
        collection.drop_index("a_1")
    with refused(72, "cannot drop _id index"):
        collection.drop_index("_id_")


def test_a_unique_index_refuses_a_second_value(collection: Things) -> None:
    collection.create_index([("a", 1), ("b", 1)], unique=True)
    collection.insert_one({"a": 1, "b": "x"})
    with pytest.raises(DuplicateKeyError) as failure:
        collection.insert_one({"a": 1, "b": "x"})
    details = failure.value.details
    assert details is not None
    assert details["keyPattern"] == {"a": 1, "b": 1}
    assert details["keyValue"] == {"a": 1, "b": "x"}
    assert 'index: a_1_b_1 dup key: { a: 1, b: "x" }' in details["errmsg"]
    collection.insert_one({"a": 1, "b": "y"})
    with pytest.raises(DuplicateKeyError):
        collection.update_one({"b": "y"}, {"$set": {"b": "x"}})
    with pytest.raises(DuplicateKeyError):
        collection.find_one_and_update({"b": "y"}, {"$set": {"b": "x"}})
    collection.delete_one({"b": "x"})
    collection.update_one({"b": "y"}, {"$set": {"b": "x"}})


def test_a_unique_index_takes_numbers_that_are_equal_as_one(collection: Things) -> None:
    collection.create_index("a", unique=True)
    collection.insert_one({"a": 1})
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"a": 1.0})


def test_a_unique_index_takes_missing_and_null_as_one(collection: Things) -> None:
    collection.create_index("a", unique=True)
    collection.insert_one({})
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"a": None})


def test_a_unique_index_cannot_be_built_over_duplicates(collection: Things) -> None:
    collection.insert_many([{"a": 1}, {"a": 1}])
    with refused(11000, "dup key: { a: 1 }"):
        collection.create_index("a", unique=True)
    assert list(collection.index_information()) == ["_id_"]


def test_a_sparse_index_leaves_out_documents_without_the_field(collection: Things) -> None:
    collection.create_index("a", unique=True, sparse=True)
    collection.insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3, "a": 1}])
    assert collection.count_documents({"a": None}) == 2
    assert [found["_id"] for found in collection.find().hint("a_1")] == [3]
    assert collection.index_information()["a_1"]["sparse"] is True


def test_a_partial_index_holds_what_its_filter_matches(collection: Things) -> None:
    collection.create_index(
        "a", unique=True, partialFilterExpression={"active": True}, name="active"
    )
    collection.insert_many([{"a": 1, "active": False}, {"a": 1}, {"a": 1, "active": True}])
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"a": 1, "active": True})
    with pytest.raises(DuplicateKeyError):
        collection.update_one({"active": False}, {"$set": {"active": True}})
    assert "IXSCAN" in stages(collection.find({"a": 1, "active": True}).explain())
    assert "COLLSCAN" in stages(collection.find({"a": 1}).explain())


def test_a_multikey_index_finds_by_each_element(collection: Things) -> None:
    collection.create_index("tags.name")
    collection.insert_many(
        [
            {"_id": 1, "tags": [{"name": "a"}, {"name": "b"}]},
            {"_id": 2, "tags": [{"name": "b"}]},
            {"_id": 3, "tags": {"name": "a"}},
            {"_id": 4, "tags": []},
        ]
    )
    assert sorted(found["_id"] for found in collection.find({"tags.name": "a"})) == [1, 3]
    assert sorted(found["_id"] for found in collection.find({"tags.name": "b"})) == [1, 2]
    plan = collection.find({"tags.name": "a"}).explain()
    assert stages(plan) == ["FETCH", "IXSCAN"]
    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["isMultiKey"] is True
    collection.create_index([("x", 1), ("y", 1)])
    with refused(171, "cannot index parallel arrays"):
        collection.insert_one({"x": [1], "y": [2]})


def test_a_hidden_index_is_not_used_until_it_is_shown(collection: Things) -> None:
    collection.create_index("a", hidden=True)
    collection.insert_one({"a": 1})
    assert stages(collection.find({"a": 1}).explain()) == ["COLLSCAN"]
    collection.database.command(
        "collMod", "things", index={"keyPattern": {"a": 1}, "hidden": False}
    )
    assert stages(collection.find({"a": 1}).explain()) == ["FETCH", "IXSCAN"]


def test_explain_tells_the_bounds_and_what_was_examined(collection: Things) -> None:
    collection.insert_many([{"_id": number, "a": number} for number in range(100)])
    collection.create_index("a")
    plan = collection.find({"a": {"$gte": 10, "$lt": 20}}).explain()
    scan = plan["queryPlanner"]["winningPlan"]["inputStage"]
    assert scan["indexName"] == "a_1"
    assert scan["keyPattern"] == {"a": 1}
    assert scan["indexBounds"] == {"a": ["[10, 20)"]}
    statistics = plan["executionStats"]
    assert statistics["nReturned"] == 10
    assert statistics["totalDocsExamined"] == 10
    assert statistics["totalKeysExamined"] in (10, 11)
    assert plan["queryPlanner"]["namespace"] == collection.full_name


def test_a_sort_by_an_index_needs_no_sorting(collection: Things) -> None:
    collection.insert_many([{"a": number, "b": -number} for number in range(20)])
    collection.create_index([("a", 1), ("b", -1)])
    assert "SORT" not in stages(collection.find().sort([("a", 1), ("b", -1)]).explain())
    assert "SORT" not in stages(collection.find().sort([("a", -1), ("b", 1)]).explain())
    assert "SORT" in stages(collection.find().sort([("a", 1), ("b", 1)]).explain())


def test_a_projection_to_the_keys_of_an_index_gives_them_in_order(collection: Things) -> None:
    collection.insert_many([{"a": number, "b": 1} for number in range(20)])
    collection.create_index("a")
    cursor = collection.find({"a": {"$gte": 15}}, {"_id": 0, "a": 1})
    assert [found["a"] for found in cursor.sort("a")] == [15, 16, 17, 18, 19]


def test_a_query_by_id_is_answered_from_the_id_index(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(20)])
    plan = collection.find({"_id": 5}).explain()
    assert "COLLSCAN" not in stages(plan)
    assert plan["executionStats"]["totalDocsExamined"] == 1


def test_an_index_is_built_while_documents_are_written(collection: Things) -> None:
    collection.insert_many([{"_id": number, "a": number} for number in range(3000)])
    collection.create_index("a")
    with pytest.raises(BulkWriteError):
        collection.insert_many([{"_id": 3000, "a": 3000}, {"_id": 3000}])
    assert collection.count_documents({"a": {"$gte": 2990}}, hint="a_1") == 11


def test_documents_whose_time_has_come_expire() -> None:
    with (
        Quired("--setParameter", "ttlMonitorSleepSecs=1") as server,
        server.client() as client,
    ):
        things = client.test.things
        things.create_index("at", expireAfterSeconds=60)
        now = datetime.datetime.now(datetime.UTC)
        hour = datetime.timedelta(hours=1)
        things.insert_many(
            [
                {"_id": 1, "at": now - hour},
                {"_id": 2, "at": [now + hour, now - hour]},
                {"_id": 3, "at": now + hour},
                {"_id": 4, "at": "a text"},
                {"_id": 5},
            ]
        )
        until(lambda: things.count_documents({}) == 3, "two documents gone", timeout=15)
        assert [found["_id"] for found in things.find().sort("_id")] == [3, 4, 5]
        assert things.index_information()["at_1"]["expireAfterSeconds"] == 60
