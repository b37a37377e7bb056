"""Starts the product's programs as processes, waits until they are ready, and ends them."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import SOCKET_NAME

ROOT: Final = Path(__file__).resolve().parents[2]
READY_S: Final = 60.0
END_S: Final = 10.0

KEY: Final = "testkey"
SECRET: Final = "testsecret"  # noqa: S105 - the simulator's public test secret


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator: its ports and the authority to trust."""

    pid: int
    port: int
    tls_port: int
    ca: Path


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine."""

    pid: int
    state_dir: Path
    metrics_url: str

    def client(self, timeout_s: float = 5.0) -> ControlClient:
        """Return a connection to it."""
        return ControlClient(self.state_dir / SOCKET_NAME, timeout_s=timeout_s)


def environment(**extra: str) -> dict[str, str]:
    """Return an environment without the user's settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CRYPTOBOT_", "SENTRY_", "OTEL_"))
    }
    return {**kept, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", **extra}


@contextmanager
def running(
    command: Sequence[str], errors: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a program from the project's root; end it on leaving."""
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(env if env is not None else environment()),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def first_line(process: subprocess.Popen[str], errors: Path) -> str:
    """Return the first line a program prints. Raises ``RuntimeError`` with its last words."""
    assert process.stdout is not None  # noqa: S101 - running() pipes it
    watchdog = threading.Timer(READY_S, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not line:
        raise RuntimeError(f"{process.args!r} did not start: {errors.read_text()[-2000:]}")
    return line


@contextmanager
def simulator(folder: Path, *options: str) -> Iterator[Simulator]:
    """Run a simulator whose limits do not get in the way."""
    ca, errors = folder / "ca.pem", folder / "simulator.err"
    command = [sys.executable, "-m", "cryptobot", "simulator", "--port", "0", "--tls-port", "0"]
    command += ["--tls-ca-out", str(ca), "--ready-json"]
    command += ["--orders-per-10s", "1000000", "--weight-per-minute", "10000000", *options]
    with running(command, errors) as process:
        ready = json.loads(first_line(process, errors))
        yield Simulator(process.pid, ready["port"], ready["tls_port"], ca)


def engine_command(
    venue: Simulator, state_dir: Path, *settings: str, profile: str | None = "demo"
) -> list[str]:
    """Return the command that runs an engine against a simulator."""
    command = [sys.executable, "-m", "cryptobot", "engine"]
    command += ["--profile", profile] if profile is not None else []
    command += ["--state-dir", str(state_dir), "--log-dir", str(state_dir / "logs")]
    command += ["--metrics-port", "0", "--connect-to", f"127.0.0.1:{venue.tls_port}"]
    command += ["--tls-ca", str(venue.ca), "--ready-json"]
    for setting in settings:
        command += ["--set", setting]
    return command


def engine_environment() -> dict[str, str]:
    """Return the environment with the simulator's keys."""
    return environment(CRYPTOBOT_EXCHANGE__API_KEY=KEY, CRYPTOBOT_EXCHANGE__SECRET=SECRET)


@contextmanager
def engine(
    venue: Simulator, folder: Path, *settings: str, profile: str | None = "demo"
) -> Iterator[Engine]:
    """Run an engine that is connected to a simulator."""
    state_dir, errors = folder / "state", folder / "engine.err"
    command = engine_command(venue, state_dir, *settings, profile=profile)
    with running(command, errors, engine_environment()) as process:
        ready = json.loads(first_line(process, errors))
        started = Engine(process.pid, state_dir, ready["metrics"])
        wait_for(lambda: exchange_up(state_dir), "the engine's connection to the exchange")
        yield started


def exchange_up(state_dir: Path) -> bool:
    """Return whether an engine says that its exchange is connected."""
    status = answers(state_dir)
    exchange = status.get("exchange") if isinstance(status, dict) else None
    return isinstance(exchange, dict) and exchange.get("up") is True


def answers(state_dir: Path) -> object:
    """Return an engine's status, ``None`` while it does not answer."""
    try:
        with ControlClient(state_dir / SOCKET_NAME, timeout_s=2.0) as client:
            return client.call("engine.status")
    except OSError:
        return None


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds. Raises ``RuntimeError``."""
    until = time.monotonic() + READY_S
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"waited {READY_S:.0f} s in vain for {what}")
        time.sleep(0.002)
