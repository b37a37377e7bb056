"""A control socket that answers as the test says, and the lock of an engine that is there."""

import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Answer = Callable[[dict[str, Any]], bytes | None]
"""From a request to the bytes of its answer; ``None`` says nothing and keeps the line open."""

PAPER: dict[str, object] = {
    "mode": "paper",
    "mode_since": "2026-01-02T03:04:05.678Z",
    "mode_reason": "on call",
    "trigger": "operator",
    "actor": "ann",
    "trading_state": "active",
    "fenced": True,
    "open_live_orders": [],
    "in_flight": [],
    "canceled": [],
}


def result(**changes: object) -> Answer:
    """Answer ``mode.set`` with what an engine would, and ``changes``."""
    return lambda request: _line(
        {"jsonrpc": "2.0", "id": request["id"], "result": {**PAPER, **changes}}
    )


def error(code: int, message: str, data: object = None) -> Answer:
    problem = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return lambda request: _line({"jsonrpc": "2.0", "id": request["id"], "error": problem})


def raw(text: bytes) -> Answer:
    return lambda _: text


def silence(_: dict[str, Any]) -> None:
    return None


@contextmanager
def engine_lock(state_dir: Path) -> Iterator[None]:
    """Hold what a running engine holds."""
    state_dir.mkdir(parents=True, exist_ok=True)
    file = os.open(state_dir / "engine.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def engine(state_dir: Path, answer: Answer) -> Iterator[list[dict[str, Any]]]:
    """An engine that answers one connection; yields the requests that came."""
    requests: list[dict[str, Any]] = []
    done = threading.Event()
    with engine_lock(state_dir), socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(state_dir / "control.sock"))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    requests.append(json.loads(line))
                    reply = answer(requests[-1])
                    if reply is not None:
                        connection.sendall(reply)
                        return
                    done.wait()
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield requests
        finally:
            done.set()
            if thread.is_alive() and not requests:  # nobody came
                with socket.socket(socket.AF_UNIX) as knock:
                    knock.connect(str(state_dir / "control.sock"))
            thread.join()


def _line(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"
