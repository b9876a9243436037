"""The replica set of deploy/docker-compose.yml in a project of its own, and the ways to hurt it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

Document = dict[str, Any]

COMPOSE_FILE = Path(__file__).resolve().parents[2] / "deploy" / "docker-compose.yml"
MEMBERS = {"quire1": 27017, "quire2": 27018, "quire3": 27019}
SET = "rs0"

_addresses: dict[str, str] = {}
_resolve = socket.getaddrinfo


def _resolve_members(host: Any, *more: Any, **options: Any) -> Any:
    """Stands in for /etc/hosts: members are known by names that only their network resolves."""
    if host in MEMBERS:
        address = _addresses.get(host)
        if not address:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is on no network")
        host = address
    return _resolve(host, *more, **options)


socket.getaddrinfo = _resolve_members


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    if check and done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def until(what: str, true: Callable[[], bool], within: float = 60.0) -> float:
    """Waits until it is true, and tells how long that took."""
    since = time.monotonic()
    while not true():
        if time.monotonic() - since > within:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - since


class Compose:
    """The three containers, by the names of their services."""

    def __init__(self) -> None:
        self.project = f"quiretest{os.getpid()}"
        self.network = f"{self.project}_default"
        # Any free ports of this machine: the usual ones may be taken.
        self._environment = {"QUIRE_PORT_1": "", "QUIRE_PORT_2": "", "QUIRE_PORT_3": ""}

    @property
    def uri(self) -> str:
        hosts = ",".join(f"{name}:{port}" for name, port in MEMBERS.items())
        return f"mongodb://{hosts}/?replicaSet={SET}"

    def client(self, **options: Any) -> MongoClient[Document]:
        return MongoClient(self.uri, **_limits(options))

    def direct(self, name: str, **options: Any) -> MongoClient[Document]:
        uri = f"mongodb://{name}:{MEMBERS[name]}/?directConnection=true"
        return MongoClient(uri, **_limits(options))

    # ---- what compose does

    def compose(self, *arguments: str) -> str:
        command = [
            *shlex.split(os.environ["QUIRE_COMPOSE"]),
            *("-p", self.project, "-f", str(COMPOSE_FILE)),
            *arguments,
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **self._environment},
        )
        if done.returncode != 0:
            raise AssertionError(f"{shlex.join(command)}: {done.returncode}\n{done.stderr}")
        self.look_up()
        return done.stdout

    def up(self) -> None:
        self.compose("up", "-d", "--no-build")

    def destroy(self) -> None:
        self.compose("down", "-v", "-t", "5")

    def wipe(self, name: str) -> None:
        """The member's container and its volume are gone, as a replaced machine's are."""
        self.compose("rm", "--stop", "--force", name)
        run("docker", "volume", "rm", f"{self.project}_{name}")

    # ---- what happens to machines

    def kill(self, name: str) -> None:
        run("docker", "kill", self.container(name))

    def start(self, name: str) -> None:
        run("docker", "start", self.container(name))
        self.look_up()

    def pause(self, name: str) -> None:
        run("docker", "pause", self.container(name))

    def unpause(self, name: str) -> None:
        run("docker", "unpause", self.container(name))

    def cut_off(self, name: str) -> None:
        run("docker", "network", "disconnect", self.network, self.container(name))
        self.look_up()

    def reconnect(self, name: str) -> None:
        # The name is an alias of this network, and is lost with the connection.
        run("docker", "network", "connect", "--alias", name, self.network, self.container(name))
        self.look_up()

    # ---- what can be seen

    def container(self, name: str) -> str:
        filters = [
            f"label=com.docker.compose.project={self.project}",
            f"label=com.docker.compose.service={name}",
        ]
        found = run("docker", "ps", "-aq", *(f"--filter={one}" for one in filters)).split()
        return found[0] if found else ""

    def inspect(self, name: str) -> Document:
        container = self.container(name)
        return json.loads(run("docker", "inspect", container))[0] if container else {}

    def look_up(self) -> None:
        """Finds the members' addresses, which change when they come back."""
        for name in MEMBERS:
            networks = self.inspect(name).get("NetworkSettings", {}).get("Networks", {})
            _addresses[name] = networks.get(self.network, {}).get("IPAddress", "")

    def log(self, name: str, lines: int = 40) -> str:
        command = ["docker", "logs", "--tail", str(lines), self.container(name)]
        # A server that does not start says why on its standard error.
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
        ).stdout

    def is_healthy(self, name: str) -> bool:
        return self.inspect(name)["State"]["Health"]["Status"] == "healthy"

    def states(self) -> dict[str, str]:
        """The members as the primary sees them; empty when there is none."""
        try:
            with self.client() as client:
                status = client.admin.command("replSetGetStatus")
        except PyMongoError:
            self.look_up()
            return {}
        return {member["name"].split(":")[0]: member["stateStr"] for member in status["members"]}

    def configuration(self) -> Document:
        with self.client() as client:
            return client.admin.command("replSetGetConfig")["config"]

    def primary(self) -> str:
        found: list[str] = []

        def find() -> bool:
            found[:] = [name for name, state in self.states().items() if state == "PRIMARY"]
            return len(found) == 1

        until("one member is primary", find)
        return found[0]

    def wait_until_whole(self, within: float = 120.0) -> None:
        """One primary, two secondaries, and the engine finds all containers healthy."""
        whole = ["PRIMARY", "SECONDARY", "SECONDARY"]
        until("one primary, two secondaries", lambda: sorted(self.states().values()) == whole, within)
        until("healthy containers", lambda: all(map(self.is_healthy, MEMBERS)), within)


def _limits(options: Document) -> Document:
    """A member that does not answer must not hold up a test that expects just that."""
    wanted = {
        "serverSelectionTimeoutMS": 5_000,
        "connectTimeoutMS": 2_000,
        "socketTimeoutMS": 5_000,
    }
    return {**wanted, **options}
