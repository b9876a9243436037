"""Databases, collections, views, validators and capped collections."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, WriteError
from refusals import refused

Document = dict[str, Any]
Things = Collection[Document]
Base = Database[Document]


def test_the_first_write_makes_database_and_collection(
    client: MongoClient[Document], database: Base
) -> None:
    assert database.name not in client.list_database_names()
    database.things.insert_one({})
    assert database.name in client.list_database_names()
    assert database.list_collection_names() == ["things"]


def test_list_databases_tells_size_and_emptiness(
    client: MongoClient[Document], database: Base
) -> None:
    database.things.insert_one({})
    reply = client.admin.command("listDatabases", filter={"name": database.name})
    assert [entry["name"] for entry in reply["databases"]] == [database.name]
    assert reply["databases"][0]["empty"] is False
    assert "sizeOnDisk" in reply["databases"][0]
    assert "totalSize" in reply
    names = client.admin.command("listDatabases", nameOnly=True)
    assert {"name": database.name} in names["databases"]
    with refused(13, "may only be run against the admin database"):
        database.command("listDatabases")


def test_dropping_a_database_takes_all_of_it(client: MongoClient[Document], database: Base) -> None:
    database.a.insert_one({})
    database.b.create_index("x")
    reply = database.command("dropDatabase")
    assert reply["dropped"] == database.name
    assert database.name not in client.list_database_names()
    assert database.list_collection_names() == []
    assert "dropped" not in database.command("dropDatabase")


def test_collections_are_made_listed_and_dropped(database: Base) -> None:
    database.create_collection("things")
    with pytest.raises(CollectionInvalid):
        database.create_collection("things")
    with refused(48, "already exists"):
        database.command("create", "things", capped=True, size=4096)
    (listed,) = database.list_collections()
    assert listed["name"] == "things"
    assert listed["type"] == "collection"
    assert listed["options"] == {}
    assert listed["info"]["readOnly"] is False
    assert isinstance(listed["info"]["uuid"], uuid.UUID | bytes)
    assert listed["idIndex"] == {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    reply = database.command("drop", "things")
    assert reply["ns"] == f"{database.name}.things"
    assert reply["nIndexesWas"] == 1
    assert database.command("drop", "things")["ok"] == 1
    assert database.list_collection_names() == []


def test_list_collections_filters_and_names(database: Base) -> None:
    for name in ("apple", "banana", "cherry"):
        database.create_collection(name)
    assert sorted(database.list_collection_names(filter={"name": {"$gt": "apple"}})) == [
        "banana",
        "cherry",
    ]
    reply = database.command("listCollections", nameOnly=True, filter={"name": "apple"})
    assert reply["cursor"]["firstBatch"] == [{"name": "apple", "type": "collection"}]
    assert reply["cursor"]["ns"] == f"{database.name}.$cmd.listCollections"


@pytest.mark.parametrize("name", ["", "a$b", ".a", "a.", "a\x00b", "system.nothing"])
def test_names_that_no_collection_may_have_are_refused(database: Base, name: str) -> None:
    with refused(73):
        database.command("create", name)


def test_a_database_name_that_is_too_long_is_refused(client: MongoClient[Document]) -> None:
    with refused(73):
        client["a" * 64].things.insert_one({})


def test_a_collection_is_renamed_with_its_indexes(
    client: MongoClient[Document], database: Base
) -> None:
    database.things.create_index("a")
    database.things.insert_one({"_id": 1, "a": 1})
    database.things.rename("others")
    assert database.list_collection_names() == ["others"]
    assert list(database.others.index_information()) == ["_id_", "a_1"]
    assert database.others.find_one({"a": 1}) == {"_id": 1, "a": 1}
    database.things.insert_one({"_id": 2})
    with refused(48, "target namespace exists"):
        database.things.rename("others")
    database.things.rename("others", dropTarget=True)
    assert list(database.others.find()) == [{"_id": 2}]
    with refused(26):
        database.things.rename("more")


def test_a_view_shows_its_pipeline_and_takes_no_writes(database: Base) -> None:
    database.things.insert_many([{"_id": n, "a": n % 2, "b": n} for n in range(10)])
    database.create_collection(
        "odd", viewOn="things", pipeline=[{"$match": {"a": 1}}, {"$project": {"a": 0}}]
    )
    view = database.odd
    assert list(view.find({"b": {"$lt": 4}}).sort("_id")) == [
        {"_id": 1, "b": 1},
        {"_id": 3, "b": 3},
    ]
    assert view.count_documents({}) == 5
    assert view.estimated_document_count() == 5
    assert sorted(view.distinct("b")) == [1, 3, 5, 7, 9]
    assert list(view.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$b"}}}])) == [
        {"_id": None, "sum": 25}
    ]
    with refused(166, "is a view, not a collection"):
        view.insert_one({})
    with refused(166):
        view.create_index("a")
    listed = {entry["name"]: entry for entry in database.list_collections()}
    assert listed["odd"]["type"] == "view"
    assert listed["odd"]["options"]["viewOn"] == "things"
    assert listed["odd"]["info"] == {"readOnly": True}
    view.drop()
    assert "odd" not in database.list_collection_names()


SCHEMA: Document = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["name", "age"],
        "properties": {
            "name": {"bsonType": "string", "description": "must be a string"},
            "age": {"bsonType": "int", "minimum": 0},
        },
    }
}


def test_a_validator_refuses_and_explains(database: Base) -> None:
    things = database.create_collection("things", validator=SCHEMA)
    things.insert_one({"_id": 1, "name": "a", "age": 1})
    with pytest.raises(WriteError) as failure:
        things.insert_one({"_id": 2, "name": 5})
    assert failure.value.code == 121
    details = failure.value.details
    assert details is not None
    assert details["errmsg"] == "Document failed validation"
    info = details["errInfo"]
    assert info["failingDocumentId"] == 2
    assert info["details"]["operatorName"] == "$jsonSchema"
    rules = {rule["operatorName"]: rule for rule in info["details"]["schemaRulesNotSatisfied"]}
    assert rules["required"]["missingProperties"] == ["age"]
    (wrong,) = rules["properties"]["propertiesNotSatisfied"]
    assert wrong["propertyName"] == "name"
    assert wrong["description"] == "must be a string"
    assert wrong["details"][0]["reason"] == "type did not match"
    assert wrong["details"][0]["consideredValue"] == 5
    assert wrong["details"][0]["consideredType"] == "int"
    with pytest.raises(WriteError):
        things.update_one({"_id": 1}, {"$set": {"age": -1}})
    assert things.find_one() == {"_id": 1, "name": "a", "age": 1}


def test_validation_can_be_passed_by_warned_about_and_changed(database: Base) -> None:
    things = database.create_collection("things", validator={"a": {"$gt": 0}})
    things.insert_one({"_id": 1, "a": -1}, bypass_document_validation=True)
    database.command("collMod", "things", validationAction="warn")
    things.insert_one({"_id": 2, "a": -1})
    database.command("collMod", "things", validationAction="error", validationLevel="moderate")
    things.update_one({"_id": 1}, {"$set": {"b": 1}})
    with pytest.raises(WriteError):
        things.insert_one({"_id": 3, "a": -1})
    database.command("collMod", "things", validator={})
    things.insert_one({"_id": 3, "a": -1})


def test_a_capped_collection_keeps_its_latest(database: Base) -> None:
    things = database.create_collection("things", capped=True, size=1_000_000, max=5)
    things.insert_many([{"_id": number} for number in range(12)])
    assert [found["_id"] for found in things.find()] == [7, 8, 9, 10, 11]
    turned = things.find().sort("$natural", -1)
    assert [found["_id"] for found in turned] == [11, 10, 9, 8, 7]
    assert things.options()["capped"] is True
    assert things.options()["max"] == 5
    assert database.command("collStats", "things")["capped"] is True


def test_a_capped_collection_gives_its_order_not_that_of_its_ids(database: Base) -> None:
    things = database.create_collection("things", capped=True, size=1_000_000)
    things.insert_many([{"_id": number} for number in (5, 1, 9, 3)])
    assert [found["_id"] for found in things.find()] == [5, 1, 9, 3]


def test_an_unknown_option_of_create_is_refused(database: Base) -> None:
    with refused(40415, "BSON field 'create.nothing' is an unknown field"):
        database.command("create", "things", nothing=1)
    with refused(72):
        database.command("create", "things", capped=True)


def test_statistics_count_what_is_there(database: Base) -> None:
    database.things.insert_many([{"a": number} for number in range(10)])
    database.things.create_index("a")
    whole = database.command("dbStats")
    assert whole["db"] == database.name
    assert whole["collections"] == 1
    assert whole["objects"] == 10
    assert whole["indexes"] == 2
    one = database.command("collStats", "things")
    assert one["ns"] == f"{database.name}.things"
    assert one["count"] == 10
    assert one["nindexes"] == 2
    assert set(one["indexSizes"]) == {"_id_", "a_1"}
    (stage,) = database.things.aggregate([{"$collStats": {"storageStats": {}, "count": {}}}])
    assert stage["count"] == 10
    assert stage["storageStats"]["count"] == 10
    usage = {entry["name"]: entry for entry in database.things.aggregate([{"$indexStats": {}}])}
    assert usage["a_1"]["key"] == {"a": 1}
    assert database.validate_collection("things")["valid"] is True
