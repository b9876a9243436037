"""Sessions, running operations and the limits put on them, diagnostics and settings."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import ExecutionTimeout, OperationFailure
from quired import Quired
from refusals import refused
from waiting import until

Document = dict[str, Any]
Client = MongoClient[Document]
Things = Collection[Document]

# Takes a good while for every document, and seconds for all of them, on any machine.
SLOW: Document = {
    "$expr": {
        "$lt": [
            {
                "$reduce": {
                    "input": {"$range": [0, 200_000]},
                    "initialValue": 0,
                    "in": {"$add": ["$$value", "$$this"]},
                }
            },
            0,
        ]
    }
}


def test_sessions_carry_reads_and_writes(client: Client, collection: Things) -> None:
    with client.start_session() as session:
        collection.insert_one({"_id": 1}, session=session)
        assert collection.find_one({}, session=session) == {"_id": 1}
        cursor = collection.find({}, session=session, batch_size=1)
        assert list(cursor) == [{"_id": 1}]


def test_sessions_are_ended_refreshed_and_killed(client: Client) -> None:
    session = client.admin.command("startSession")
    assert session["timeoutMinutes"] == 30
    for command in ("refreshSessions", "endSessions", "killSessions"):
        assert client.admin.command(command, [session["id"]])["ok"] == 1
    assert client.admin.command("killAllSessions", [])["ok"] == 1
    assert client.admin.command("killAllSessionsByPattern", [])["ok"] == 1


def test_killing_all_sessions_ends_their_cursors(server: Quired, collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(10)])
    cursor = collection.find(batch_size=2)
    next(cursor)
    with server.client() as other:
        other.admin.command("killAllSessions", [])
    with pytest.raises(OperationFailure) as failure:
        list(cursor)
    assert failure.value.code in (43, 11601, 237)


def test_a_transaction_is_refused_by_a_single_server(client: Client, collection: Things) -> None:
    with (
        client.start_session() as session,
        refused(20, "Transaction numbers are only allowed on a replica set member or mongos"),
        session.start_transaction(),
    ):
        collection.insert_one({}, session=session)


def test_a_query_stops_when_its_time_is_over(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(300)])
    began = time.monotonic()
    with pytest.raises(ExecutionTimeout) as failure:
        list(collection.find(SLOW).max_time_ms(200))
    assert failure.value.code == 50
    assert failure.value.details is not None
    assert failure.value.details["codeName"] == "MaxTimeMSExpired"
    assert time.monotonic() - began < 10


def test_an_update_stops_when_its_time_is_over(collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(300)])
    slow = [{"$set": {"sum": SLOW["$expr"]}}]
    began = time.monotonic()
    with refused(50):
        collection.database.command(
            "update", "things", updates=[{"q": {}, "u": slow, "multi": True}], maxTimeMS=200
        )
    assert time.monotonic() - began < 4
    assert collection.count_documents({"sum": {"$exists": False}}) > 0


def test_a_time_limit_that_is_none_is_refused(collection: Things) -> None:
    with refused(2):
        collection.database.command("find", "things", maxTimeMS=-1)


def test_a_running_operation_is_shown_and_killed(server: Quired, collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(300)])
    failures: list[OperationFailure] = []

    def query() -> None:
        with server.client() as own:
            things = own[collection.database.name].things
            try:
                list(things.find(SLOW).comment("to be killed"))
            except OperationFailure as failure:
                failures.append(failure)

    running = threading.Thread(target=query)
    running.start()
    admin = collection.database.client.admin

    def shown() -> list[Document]:
        operations = admin.aggregate([{"$currentOp": {}}])
        return [
            one for one in operations if one.get("command", {}).get("comment") == "to be killed"
        ]

    until(shown, "the operation is shown")
    (operation,) = shown()
    assert operation["ns"] == collection.full_name
    assert operation["op"] == "query"
    listed = admin.command("currentOp")["inprog"]
    assert operation["opid"] in [one["opid"] for one in listed]
    reply = admin.command("killOp", op=operation["opid"])
    assert reply["info"] == "attempting to kill op"
    running.join(10)
    assert [failure.code for failure in failures] == [11601]


def test_a_client_that_goes_away_ends_its_query(server: Quired, collection: Things) -> None:
    collection.insert_many([{"_id": number} for number in range(300)])
    impatient = server.client(socketTimeoutMS=300, retryReads=False)
    with pytest.raises(Exception, match="timed out"):
        list(impatient[collection.database.name].things.find(SLOW).comment("left alone"))
    impatient.close()
    admin = collection.database.client.admin

    def gone() -> bool:
        operations = admin.aggregate([{"$currentOp": {}}])
        return all(one.get("command", {}).get("comment") != "left alone" for one in operations)

    until(gone, "the operation is gone", timeout=10)


def test_an_unknown_command_is_named(client: Client) -> None:
    with refused(59, "no such command: 'nothing'"):
        client.test.command("nothing")


def test_server_status_is_whole(client: Client) -> None:
    status = client.admin.command("serverStatus")
    for section in ("connections", "opcounters", "network", "mem", "metrics", "storageEngine"):
        assert section in status, section
    assert status["process"] == "mongod"
    assert status["connections"]["current"] >= 1
    assert "repl" not in status


def test_operations_are_counted(client: Client, collection: Things) -> None:
    before = client.admin.command("serverStatus")["opcounters"]
    collection.insert_many([{"_id": number} for number in range(5)])
    collection.update_one({"_id": 1}, {"$set": {"a": 1}})
    collection.delete_one({"_id": 2})
    list(collection.find())
    after = client.admin.command("serverStatus")["opcounters"]
    counted = {name: after[name] - before[name] for name in ("insert", "update", "delete", "query")}
    assert counted == {"insert": 5, "update": 1, "delete": 1, "query": 1}


def test_the_build_and_the_host_are_told(client: Client) -> None:
    build = client.admin.command("buildInfo")
    assert build["version"].startswith("8.0.")
    assert build["versionArray"][:2] == [8, 0]
    assert build["maxBsonObjectSize"] == 16 * 1024 * 1024
    assert build["modules"] == []
    assert client.admin.command("hostInfo")["system"]["numCores"] >= 1
    assert client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"] == []
    assert client.admin.command("whatsmyuri")["you"].startswith("127.0.0.1:")


def test_settings_are_told_and_changed(client: Client) -> None:
    options = client.admin.command("getCmdLineOpts")
    assert "--dbpath" in options["argv"]
    assert options["parsed"]["setParameter"]["enableTestCommands"] in ("1", 1, True)
    everything = client.admin.command("getParameter", "*")
    assert everything["enableTestCommands"] is True
    assert client.admin.command("getParameter", featureCompatibilityVersion=1)[
        "featureCompatibilityVersion"
    ] == {"version": "8.0"}
    with refused(72, "no option found to get"):
        client.admin.command("getParameter", nothing=1)
    changed = client.admin.command("setParameter", cursorTimeoutMillis=600_001)
    assert changed["was"] == 600_000
    client.admin.command("setParameter", cursorTimeoutMillis=600_000)
    with refused(72):
        client.admin.command("setParameter", nothing=1)


def test_the_log_is_shown(client: Client) -> None:
    assert client.admin.command("getLog", "*")["names"] == ["global", "startupWarnings"]
    log = client.admin.command("getLog", "global")
    assert log["totalLinesWritten"] >= 1
    assert log["log"][0].startswith("{")


def test_commands_that_need_admin_say_so(client: Client) -> None:
    with refused(13, "may only be run against the admin database"):
        client.test.command("getLog", "global")


def test_the_profiler_writes_what_was_done(database: Any) -> None:
    assert database.command("profile", -1) == {
        "was": 0,
        "slowms": 100,
        "sampleRate": 1.0,
        "ok": 1.0,
    }
    assert database.command("profile", 2)["was"] == 0
    database.things.insert_one({"_id": 1})
    list(database.things.find({"_id": 1}).comment("profiled"))
    assert database.command("profile", 0)["was"] == 2
    (entry,) = database["system.profile"].find({"op": "query", "ns": f"{database.name}.things"})
    assert entry["command"]["comment"] == "profiled"
    assert entry["nreturned"] == 1
    assert "millis" in entry
    assert "ts" in entry
