"""deploy/docker-compose.yml as it stands: nodes are taken away while a stock driver writes."""

from __future__ import annotations

import pytest
from compose import MEMBERS, SET, Compose
from ledger import Ledger


def test_the_set_initiates_itself_with_the_members_of_the_file(compose: Compose) -> None:
    configuration = compose.configuration()
    assert configuration["_id"] == SET
    hosts = [member["host"] for member in configuration["members"]]
    assert hosts == [f"{name}:{port}" for name, port in MEMBERS.items()]


def test_the_server_does_not_run_as_root(compose: Compose) -> None:
    for name in MEMBERS:
        assert compose.inspect(name)["Config"]["User"] == "10001:10001"


def test_a_killed_primary_is_replaced_and_comes_back(compose: Compose, ledger: Ledger) -> None:
    primary = compose.primary()
    compose.kill(primary)
    ledger.wait_for_more()
    assert compose.primary() != primary
    compose.start(primary)


def test_a_killed_secondary_is_not_missed(compose: Compose, ledger: Ledger) -> None:
    secondary = next(name for name in MEMBERS if name != compose.primary())
    compose.kill(secondary)
    ledger.wait_for_more()
    compose.start(secondary)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_node_is_restarted(compose: Compose, ledger: Ledger, name: str) -> None:
    compose.compose("restart", name)
    ledger.wait_for_more()


def test_a_primary_that_is_cut_off_is_replaced(compose: Compose, ledger: Ledger) -> None:
    primary = compose.primary()
    compose.cut_off(primary)
    ledger.wait_for_more()
    assert compose.primary() != primary
    compose.reconnect(primary)


def test_a_primary_that_is_paused_is_replaced(compose: Compose, ledger: Ledger) -> None:
    primary = compose.primary()
    compose.pause(primary)
    try:
        ledger.wait_for_more()
        assert compose.primary() != primary
    finally:
        compose.unpause(primary)


def test_without_a_majority_nothing_is_promised(compose: Compose, ledger: Ledger) -> None:
    primary = compose.primary()
    others = [name for name in MEMBERS if name != primary]
    for name in others:
        compose.cut_off(name)
    try:
        with pytest.raises(AssertionError, match="more acknowledged writes"):
            # What was under way when the second one went may still arrive.
            ledger.wait_for_more(count=20, within=5)
    finally:
        for name in others:
            compose.reconnect(name)


def test_a_wiped_member_is_filled_again(compose: Compose, ledger: Ledger) -> None:
    compose.wipe("quire1")
    ledger.wait_for_more()
    compose.up()


def test_a_set_that_was_taken_down_goes_on_as_it_was(compose: Compose, ledger: Ledger) -> None:
    before = compose.configuration()
    compose.compose("down")
    compose.up()
    compose.wait_until_whole()
    assert compose.configuration()["settings"] == before["settings"]
    assert compose.configuration()["members"] == before["members"]
