"""Fail points that a test switches on, and that are off again when it ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

Mode = str | dict[str, int]


def configure(
    client: MongoClient[dict[str, Any]], name: str, mode: Mode, data: dict[str, Any] | None = None
) -> int:
    """Sets the fail point on the client's primary; returns how often it has been entered."""
    more = {} if data is None else {"data": data}
    return client.admin.command("configureFailPoint", name, mode=mode, **more)["count"]


@contextmanager
def fail_point(
    client: MongoClient[dict[str, Any]], name: str, mode: Mode, **data: Any
) -> Iterator[None]:
    configure(client, name, mode, data)
    try:
        yield
    finally:
        configure(client, name, "off")
