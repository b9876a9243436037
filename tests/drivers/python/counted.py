"""A client whose connections are counted: by its own events, and by `connections.totalCreated` of
the server, asked for by a second client."""

from __future__ import annotations

from typing import Any

import pytest
from fail_points import fail_point
from observing import Pools
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import NotPrimaryError
from pymongo.write_concern import WriteConcern
from replica_set import ReplicaSet

Document = dict[str, Any]


class Counted:
    """A client under test, its collection, and the second client that counts."""

    def __init__(self, members: ReplicaSet) -> None:
        self.pools = Pools()
        # Polling, a client monitors each member over one connection, made before a test begins.
        self.client: MongoClient[Document] = members.client(
            retryWrites=False, event_listeners=[self.pools], serverMonitoringMode="poll"
        )
        majority = WriteConcern("majority")
        database = self.client.get_database("step-down", write_concern=majority)
        database.drop_collection("step-down")
        database.create_collection("step-down", write_concern=majority)
        self.things: Collection[Document] = self.client["step-down"]["step-down"]
        assert self.client.primary is not None
        host, port = self.client.primary
        self.second: MongoClient[Document] = MongoClient(
            host, port, directConnection=True, serverMonitoringMode="poll"
        )
        self.second.admin.command("ping")

    def total_created(self) -> int:
        """How many connections the first primary has ever taken."""
        return self.second.admin.command("serverStatus")["connections"]["totalCreated"]

    def fail_one_insert(self, code: int) -> None:
        with fail_point(
            self.client, "failCommand", {"times": 1}, failCommands=["insert"], errorCode=code
        ):
            # The driver has a class of its own for these codes.
            with pytest.raises(NotPrimaryError) as failure:
                self.things.insert_one({"test": 1})
            assert isinstance(failure.value.details, dict)
            assert failure.value.details["code"] == code

    def close(self) -> None:
        self.second.close()
        self.client.close()
