"""What a client under test told of: commands with their outcomes, and what befell its pools."""

from __future__ import annotations

from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)


class Commands(CommandListener):
    """Commands in the order in which they were sent, with what became of each."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.replies: list[dict[str, Any] | None] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self.replies.append(dict(event.reply))

    def failed(self, event: CommandFailedEvent) -> None:
        """A connection that broke has no reply."""
        self.replies.append(None if event.failure.get("code") is None else dict(event.failure))

    def clear(self) -> None:
        self.sent.clear()
        self.replies.clear()

    def names(self) -> list[str]:
        return [name for name, _ in self.sent]

    def transaction_numbers(self) -> list[int | None]:
        return [command.get("txnNumber") for _, command in self.sent]


class Pools(ConnectionPoolListener):
    """How often pools were cleared and connections made."""

    def __init__(self) -> None:
        self.cleared = 0
        self.created = 0

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        self.cleared += 1

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        self.created += 1

    def pool_created(self, event: PoolCreatedEvent) -> None: ...
    def pool_ready(self, event: PoolReadyEvent) -> None: ...
    def pool_closed(self, event: PoolClosedEvent) -> None: ...
    def connection_ready(self, event: ConnectionReadyEvent) -> None: ...
    def connection_closed(self, event: ConnectionClosedEvent) -> None: ...
    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None: ...
    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None: ...
    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None: ...
    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None: ...
