"""The replica set that all tests here share, and the writers that go on through all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from compose import MEMBERS, Compose
from ledger import Ledger


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    compose = Compose()
    try:
        compose.up()
        try:
            compose.wait_until_whole()
            yield compose
        finally:
            for name in MEMBERS:
                # Shown by pytest when something failed.
                print(f"---- {name}\n{compose.log(name)}")
    finally:
        compose.destroy()


@pytest.fixture
def ledger(compose: Compose) -> Iterator[Ledger]:
    """Writes from before the fault to after it; what was promised is looked for at the end."""
    with compose.client() as client:
        client.drop_database("ledger")
    ledger = Ledger(compose)
    ledger.start()
    try:
        ledger.wait_for_more()
        yield ledger
        ledger.wait_for_more()
    finally:
        ledger.stop()
    compose.wait_until_whole()
    ledger.check()
    ledger.check_every_member()
