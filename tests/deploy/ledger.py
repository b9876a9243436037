"""Writers that never pause, and what they know: tried, acknowledged."""

from __future__ import annotations

import threading
import time
from typing import Any

from compose import MEMBERS, Compose, until
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

WRITERS = 4
DATABASE = "ledger"
COLLECTION = "entries"


class Ledger:
    """Inserts with majority, each identifier once, and remembers what was promised."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose
        # One writer's identifiers stay in its own set: no lock slows the others down.
        self._tried: list[set[str]] = [set() for _ in range(WRITERS)]
        self._acknowledged: list[set[str]] = [set() for _ in range(WRITERS)]
        self._stopping = threading.Event()
        # No retries: an error shows here, and an acknowledgement is the server's own.
        self._client = compose.client(retryWrites=False)
        self._threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(WRITERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def acknowledged(self) -> set[str]:
        return set().union(*(own.copy() for own in self._acknowledged))

    def wait_for_more(self, count: int = 200, within: float = 60.0) -> float:
        """Until so many more writes were acknowledged; how long that took."""
        wanted = sum(map(len, self._acknowledged)) + count
        return until(
            f"{count} more acknowledged writes",
            lambda: sum(map(len, self._acknowledged)) >= wanted,
            within,
        )

    def check(self) -> None:
        """Everything acknowledged until now is there, and nothing that nobody wrote."""
        acknowledged = self.acknowledged()
        with self._compose.client(socketTimeoutMS=30_000) as client:
            found = self._identifiers(client, ReadPreference.PRIMARY, ReadConcern("majority"))
        tried = set().union(*(own.copy() for own in self._tried))
        lost = acknowledged - found
        assert not lost, f"{len(lost)} of {len(acknowledged)} are lost: {sorted(lost)[:10]}"
        assert not found - tried, "entries that nobody wrote"

    def check_every_member(self) -> None:
        """With the writers stopped, each member comes to hold the same entries."""
        for name in MEMBERS:
            self._check_member(name)

    def _check_member(self, name: str) -> None:
        acknowledged = self.acknowledged()

        def has_all() -> bool:
            try:
                with self._compose.direct(name, socketTimeoutMS=30_000) as client:
                    preference = ReadPreference.SECONDARY_PREFERRED
                    return acknowledged <= self._identifiers(client, preference, ReadConcern())
            except PyMongoError:
                return False

        until(f"{name} holds all that was acknowledged", has_all)

    def _identifiers(self, client: Any, preference: Any, concern: ReadConcern) -> set[str]:
        entries = client[DATABASE].get_collection(
            COLLECTION, read_preference=preference, read_concern=concern
        )
        listed = [entry["_id"] for entry in entries.find({}, {"_id": 1})]
        assert len(listed) == len(set(listed)), "an entry is there twice"
        return set(listed)

    def _write(self, number: int) -> None:
        entries = self._client[DATABASE].get_collection(
            COLLECTION, write_concern=WriteConcern("majority")
        )
        tried, acknowledged = self._tried[number], self._acknowledged[number]
        while not self._stopping.is_set():
            identifier = f"{number}-{len(tried)}"
            tried.add(identifier)
            try:
                entries.insert_one({"_id": identifier, "text": "x" * 100})
                acknowledged.add(identifier)
            except PyMongoError:
                # Outcome unknown: it may be there, or not.
                time.sleep(0.02)
