"""Pipelines: what each stage gives, and how stages that are wrong are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.collection import Collection
from refusals import refused

Document = dict[str, Any]
Things = Collection[Document]

SALES: list[Document] = [
    {"_id": 1, "item": "a", "price": 10, "tags": ["x", "y"]},
    {"_id": 2, "item": "b", "price": 20, "tags": ["x"]},
    {"_id": 3, "item": "a", "price": 30, "tags": []},
    {"_id": 4, "item": "c", "price": None},
]

STAGES: list[tuple[list[Document], list[Document]]] = [
    (
        [{"$match": {"price": {"$gt": 10}}}, {"$project": {"price": 1}}],
        [{"_id": 2, "price": 20}, {"_id": 3, "price": 30}],
    ),
    (
        [
            {
                "$group": {
                    "_id": "$item",
                    "n": {"$sum": 1},
                    "sum": {"$sum": "$price"},
                    "avg": {"$avg": "$price"},
                    "all": {"$push": "$price"},
                }
            },
            {"$sort": {"_id": 1}},
        ],
        [
            {"_id": "a", "n": 2, "sum": 40, "avg": 20.0, "all": [10, 30]},
            {"_id": "b", "n": 1, "sum": 20, "avg": 20.0, "all": [20]},
            {"_id": "c", "n": 1, "sum": 0, "avg": None, "all": [None]},
        ],
    ),
    (
        [
            {
                "$group": {
                    "_id": None,
                    "min": {"$min": "$price"},
                    "max": {"$max": "$price"},
                    "first": {"$first": "$item"},
                    "last": {"$last": "$item"},
                    "count": {"$count": {}},
                }
            }
        ],
        [{"_id": None, "min": 10, "max": 30, "first": "a", "last": "c", "count": 4}],
    ),
    (
        [{"$sort": {"price": -1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"_id": 1}}],
        [{"_id": 2}, {"_id": 1}],
    ),
    (
        [{"$unwind": "$tags"}, {"$project": {"tags": 1}}],
        [{"_id": 1, "tags": "x"}, {"_id": 1, "tags": "y"}, {"_id": 2, "tags": "x"}],
    ),
    (
        [
            {
                "$unwind": {
                    "path": "$tags",
                    "includeArrayIndex": "at",
                    "preserveNullAndEmptyArrays": True,
                }
            },
            {"$project": {"tags": 1, "at": 1}},
        ],
        [
            {"_id": 1, "tags": "x", "at": 0},
            {"_id": 1, "tags": "y", "at": 1},
            {"_id": 2, "tags": "x", "at": 0},
            {"_id": 3, "at": None},
            {"_id": 4, "at": None},
        ],
    ),
    (
        [
            {"$match": {"_id": 1}},
            {"$addFields": {"double": {"$multiply": ["$price", 2]}}},
            {"$unset": ["tags", "item"]},
        ],
        [{"_id": 1, "price": 10, "double": 20}],
    ),
    (
        [{"$match": {"_id": 1}}, {"$set": {"a.b": "$item"}}, {"$replaceRoot": {"newRoot": "$a"}}],
        [{"b": "a"}],
    ),
    ([{"$match": {"_id": 2}}, {"$replaceWith": {"is": "$item"}}], [{"is": "b"}]),
    ([{"$count": "n"}], [{"n": 4}]),
    ([{"$match": {"_id": 99}}, {"$count": "n"}], []),
    ([{"$sortByCount": "$item"}, {"$limit": 1}], [{"_id": "a", "count": 2}]),
    ([{"$match": {"_id": 1}}, {"$redact": "$$PRUNE"}], []),
    ([{"$sample": {"size": 10}}, {"$count": "n"}], [{"n": 4}]),
    (
        [
            {"$match": {"_id": 1}},
            {
                "$project": {
                    "_id": 0,
                    "big": {"$cond": [{"$gte": ["$price", 10]}, "yes", "no"]},
                    "upper": {"$toUpper": "$item"},
                    "tags": {"$size": "$tags"},
                }
            },
        ],
        [{"big": "yes", "upper": "A", "tags": 2}],
    ),
    (
        [
            {"$match": {"_id": 1}},
            {
                "$project": {
                    "_id": 0,
                    "r": {
                        "$reduce": {
                            "input": "$tags",
                            "initialValue": "",
                            "in": {"$concat": ["$$value", "$$this"]},
                        }
                    },
                }
            },
        ],
        [{"r": "xy"}],
    ),
]


@pytest.mark.parametrize(("pipeline", "expected"), STAGES, ids=lambda value: str(value)[:50])
def test_stages(collection: Things, pipeline: list[Document], expected: list[Document]) -> None:
    collection.insert_many(SALES)
    assert list(collection.aggregate(pipeline)) == expected


@pytest.mark.parametrize(
    ("pipeline", "code", "part"),
    [
        ([{"$nothing": 1}], 40324, "Unrecognized pipeline stage name: '$nothing'"),
        ([{"$match": 1}], 15959, "the match filter must be an expression in an object"),
        ([{"$limit": 0}], 15958, "the limit must be positive"),
        ([{"$skip": -1}], 5107200, "invalid argument to $skip stage"),
        ([{"$sort": {}}], 15976, "$sort stage must have at least one sort key"),
        ([{"$project": {}}], 51272, "projection specification must have at least one field"),
        ([{"$unwind": "tags"}], 28818, "'$'"),
        ([{"$group": {"n": {"$sum": 1}}}], 15955, "a group specification must include an _id"),
        ([{"$count": ""}], 40157, "the count field"),
        ([{"$match": {}, "$limit": 1}], 40323, "exactly one field"),
        ([{"$project": {"a": {"$nothing": 1}}}], 31325, "Unknown expression $nothing"),
        ([{"$project": {"a": {"$divide": [1, 0]}}}], 2, "can't $divide by zero"),
        ([{"$project": {"a": {"$add": ["$item", 1]}}}], 14, "only supports numeric or date types"),
        ([{"$replaceRoot": {"newRoot": "$price"}}], 40228, "must evaluate to an object"),
        ([{"$changeStream": {}}], 40573, "only supported on replica sets"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused(
    collection: Things, pipeline: list[Document], code: int, part: str
) -> None:
    collection.insert_many(SALES)
    with refused(code, part):
        list(collection.aggregate(pipeline))


def test_a_pipeline_answers_in_batches(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(250)])
    cursor = collection.aggregate([{"$sort": {"_id": -1}}], batchSize=50)
    assert [document["_id"] for document in cursor] == list(range(249, -1, -1))


def test_aggregate_needs_a_cursor(collection: Things) -> None:
    with refused(9, "The 'cursor' option is required, except for aggregate with the explain"):
        collection.database.command("aggregate", "things", pipeline=[])


def test_a_database_aggregates_documents_of_its_own(collection: Things) -> None:
    cursor = collection.database.aggregate([{"$documents": [{"a": 1}, {"a": 2}]}])
    assert list(cursor) == [{"a": 1}, {"a": 2}]


def test_let_and_variables_of_the_system(collection: Things) -> None:
    collection.insert_one({"_id": 1, "n": 5})
    pipeline = [
        {
            "$project": {
                "x": {"$add": ["$n", "$$more"]},
                "root": "$$ROOT.n",
                "gone": "$$REMOVE",
                "now": {"$type": "$$NOW"},
            }
        }
    ]
    found = list(collection.aggregate(pipeline, let={"more": 2}))
    assert found == [{"_id": 1, "x": 7, "root": 5, "now": "date"}]


def test_a_match_at_the_front_uses_an_index(collection: Things) -> None:
    collection.insert_many([{"_id": number, "a": number} for number in range(100)])
    collection.create_index("a")
    plan = collection.database.command(
        "explain",
        {"aggregate": "things", "pipeline": [{"$match": {"a": 5}}], "cursor": {}},
        verbosity="queryPlanner",
    )
    assert "IXSCAN" in str(plan)
    assert plan["ok"] == 1


def test_a_large_group_gives_every_key(collection: Things) -> None:
    collection.insert_many([{"n": number % 1000} for number in range(5000)])
    groups = list(collection.aggregate([{"$group": {"_id": "$n", "count": {"$sum": 1}}}]))
    assert len(groups) == 1000
    assert {group["count"] for group in groups} == {5}
