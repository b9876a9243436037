"""A `quired` process with a data directory of its own: started, stopped, killed, started again."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pymongo import MongoClient

WAITING_FOR_CONNECTIONS = 23016


class Quired:
    """One server. `port` and `uri` are known once it has started."""

    def __init__(self, *flags: str, directory: str | None = None) -> None:
        self.flags = list(flags)
        self._own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="quire-test-")
        self.port = 0
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._announced: queue.Queue[int | None] = queue.Queue()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        return f"mongodb://{self.address}/"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def client(self, **options: Any) -> MongoClient[dict[str, Any]]:
        options.setdefault("serverSelectionTimeoutMS", 10_000)
        return MongoClient(self.uri, **options)

    def start(self, *more_flags: str, timeout: float = 30.0) -> Quired:
        """Starts the process and waits until it says that it waits for connections.

        A server that is started again takes the port it had, so that clients find it.
        """
        assert self._process is None, "the server is running already"
        self._announced = queue.Queue()
        command = [
            os.environ["QUIRE_BIN"],
            *("--dbpath", self.directory),
            *("--port", str(self.port)),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *self.flags,
            *more_flags,
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        try:
            port = self._announced.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise AssertionError(f"no server within {timeout} s:\n{self.log()}") from None
        if port is None:
            code = self._process.wait()
            self._process = None
            raise AssertionError(f"the server ended with {code}:\n{self.log()}")
        self.port = port
        return self

    def stop(self, timeout: float = 30.0) -> int:
        """Asks the process to end, as a supervisor does, and returns its exit code."""
        return self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """Ends the process as a crash does."""
        self._end(signal.SIGKILL, 30.0)

    def wait(self, timeout: float = 30.0) -> int:
        """Waits for a process that ends by itself."""
        assert self._process is not None, "the server is not running"
        code = self._process.wait(timeout)
        self._process = None
        return code

    def destroy(self) -> None:
        if self._process is not None:
            self.kill()
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self, last: int = 50) -> str:
        return "\n".join(self.lines[-last:])

    def wait_for_log(self, log_id: int, timeout: float = 10.0) -> dict[str, Any]:
        """The first line with this id."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if f'"id":{log_id},' in line:
                    return json.loads(line)
            time.sleep(0.01)
        raise AssertionError(f"no line with id {log_id}:\n{self.log()}")

    def data_files(self) -> list[Path]:
        return sorted(path for path in Path(self.directory).rglob("*") if path.is_file())

    def _end(self, number: int, timeout: float) -> int:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(number)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            self._process = None
            raise AssertionError(f"no end within {timeout} s:\n{self.log()}") from None

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        announced = self._announced
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))
            if f'"id":{WAITING_FOR_CONNECTIONS},' in line:
                announced.put(int(json.loads(line)["attr"]["port"]))
        announced.put(None)

    def __enter__(self) -> Quired:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.destroy()
