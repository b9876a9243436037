"""Members of a replica set on this machine, each a `quired` with a data directory of its own."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient
from quired import Quired
from waiting import until

NAME = "rs0"


class ReplicaSet:
    def __init__(self, *flags: str, size: int = 3) -> None:
        self.members = [Quired("--replSet", NAME, *flags) for _ in range(size)]

    @property
    def uri(self) -> str:
        hosts = ",".join(member.address for member in self.members)
        return f"mongodb://{hosts}/?replicaSet={NAME}"

    def client(self, **options: Any) -> MongoClient[dict[str, Any]]:
        options.setdefault("serverSelectionTimeoutMS", 20_000)
        return MongoClient(self.uri, **options)

    def start(self) -> ReplicaSet:
        """Starts the members, makes a set of them and waits until every one can be read from."""
        try:
            for member in self.members:
                member.start()
            with MongoClient(self.members[0].uri, directConnection=True) as first:
                hosts = [
                    {"_id": number, "host": member.address}
                    for number, member in enumerate(self.members)
                ]
                first.admin.command("replSetInitiate", {"_id": NAME, "members": hosts})
            self.wait_until_whole()
        except BaseException:
            self.destroy()
            raise
        return self

    def wait_until_whole(self) -> None:
        """A primary, and nothing but secondaries beside it."""
        with self.client() as client:

            def whole() -> bool:
                members = client.admin.command("replSetGetStatus")["members"]
                states = sorted(member["stateStr"] for member in members)
                return states == ["PRIMARY"] + ["SECONDARY"] * (len(self.members) - 1)

            until(whole, "a primary and secondaries", timeout=30.0)

    def destroy(self) -> None:
        for member in self.members:
            member.destroy()

    def __enter__(self) -> ReplicaSet:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.destroy()
