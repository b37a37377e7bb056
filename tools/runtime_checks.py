"""The checks behind check_runtime_dependencies.py: each looks at one thing and says what it saw.

Standard library only, so that they can tell what is missing.
"""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import bootstrap_system
from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import SOCKET_NAME, RpcError

MAX_CLOCK_SKEW_MS: Final = 1_000
"""Binance refuses requests whose timestamp is more than a second ahead of its own."""

MIN_FREE_BYTES: Final = 1_000_000_000
KEYRING_TIMEOUT_S: Final = 10
SIMULATOR_PORTS: Final = (18080, 18443)

PRIVATE_FILES: Final = ("config/production.env", "config/runtime_overrides.json")

LOCK_QUERY: Final = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
from packaging.requirements import Requirement
rows = []
for line in open(sys.argv[1], encoding="utf-8"):
    if "==" not in line or line.lstrip().startswith("#"):
        continue
    wanted = Requirement(line.strip().rstrip("\\\\").strip())
    if wanted.marker is None or wanted.marker.evaluate():
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = None
        rows.append([wanted.name, str(wanted.specifier).removeprefix("=="), found])
print(json.dumps(rows))
"""

KEYRING_QUERY: Final = """
import keyring
backend = keyring.get_keyring()
print(f"{backend.priority:g} {type(backend).__module__}.{type(backend).__qualname__}")
"""


class Status(StrEnum):
    """What a check found; only ``FAIL`` is trouble."""

    OK = "ok"
    NOTE = "note"
    NOT_CHECKED = "not checked"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the table.

    Args:
        subject: What was looked at.
        status: What came out.
        detail: What was seen and, unless all is well, what to do.
    """

    subject: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where to look.

    Args:
        root: The project's folder.
        state_dir: The engine's state directory.
        metrics_port: The exporter's port on 127.0.0.1.
    """

    root: Path
    state_dir: Path
    metrics_port: int

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.root / ".venv" / "bin" / "python"

    def engine(self) -> dict[str, Any] | None:
        """Return what the engine of ``state_dir`` says of itself, None where none answers."""
        try:
            with ControlClient(self.state_dir / SOCKET_NAME) as client:
                status = client.call("engine.status")
        except (OSError, RpcError, ValueError):
            return None
        return status if isinstance(status, dict) else None


def check_all(around: Surroundings) -> Iterator[Finding]:
    """Yield every finding, in the order of the table."""
    engine = around.engine()
    yield Finding("Python", Status.OK, f"{sys.version.split()[0]} ({sys.executable})")
    yield from packages(around)
    yield from system_libraries()
    yield from ports(around, engine)
    yield from permissions(around)
    yield disk_space(around)
    yield keyring(around)
    yield clock_skew(engine)


def packages(around: Surroundings) -> Iterator[Finding]:
    """Compare what is installed in ``.venv`` with the run-time lock."""
    subject = "Python packages"
    lock = around.root / "requirements" / "run.txt"
    if not around.python.exists():
        yield Finding(subject, Status.FAIL, f"no {around.python}; type: make setup")
        return
    asked = subprocess.run(
        [str(around.python), "-c", LOCK_QUERY, str(lock)],
        check=False,
        capture_output=True,
        text=True,
    )
    if asked.returncode != 0:
        said = (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
        yield Finding(subject, Status.FAIL, f"cannot ask .venv: {said}; type: make clean setup")
        return
    rows = json.loads(asked.stdout)
    wrong = [row for row in rows if row[1] != row[2]]
    for name, wanted, found in wrong:
        seen = f"{found} instead of {wanted}" if found else f"{wanted} is not installed"
        yield Finding(f"  {name}", Status.FAIL, f"{seen}; type: make setup")
    if not wrong:
        yield Finding(subject, Status.OK, f"{len(rows)} as in requirements/run.txt")


def system_libraries() -> Iterator[Finding]:
    """Look for what Qt loads to open a window."""
    subject = "system libraries"
    if sys.platform != "linux":
        yield Finding(subject, Status.NOT_CHECKED, "only Linux needs more than the wheels bring")
        return
    missing = bootstrap_system.missing(bootstrap_system.WINDOW)
    if missing:
        line = bootstrap_system.line_to_type(missing)
        yield Finding(subject, Status.FAIL, f"missing: {' '.join(missing)}; type: {line}")
    else:
        yield Finding(subject, Status.OK, f"all {len(bootstrap_system.WINDOW)} for the window")
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if display:
        yield Finding("display", Status.OK, display)
    else:
        yield Finding("display", Status.NOTE, "none: the engine runs headless, without a window")


def ports(around: Surroundings, engine: dict[str, Any] | None) -> Iterator[Finding]:
    """See whether the ports can be bound, and by whom not."""
    metrics = (engine or {}).get("metrics")
    own = metrics.get("port") if isinstance(metrics, dict) else None
    for port, name, trouble in (
        (around.metrics_port, "metrics", Status.FAIL),
        (SIMULATOR_PORTS[0], "simulator", Status.NOTE),
        (SIMULATOR_PORTS[1], "simulator, TLS", Status.NOTE),
    ):
        subject = f"port {port} ({name})"
        if engine is not None and port == own:
            yield Finding(subject, Status.OK, f"in use by this engine, process {engine['pid']}")
        elif _can_bind(port):
            yield Finding(subject, Status.OK, "free")
        else:
            who = _owner(port) or "another program"
            advice = "stop it or choose another port"
            if port == around.metrics_port:
                advice = "stop it or set CRYPTOBOT_METRICS__PORT (node exporter likes 9100 too)"
            yield Finding(subject, trouble, f"in use by {who}; {advice}")


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections still fading away are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _owner(port: int) -> str | None:
    """Return name and process of a TCP port's listener, None where the system does not tell."""
    try:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return None
    listening = "0A"
    sockets = {
        f"socket:[{row[9]}]"
        for row in rows
        if row[3] == listening and int(row[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(file.readlink()) in sockets for file in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # another user's process, or one that has just ended
    return None


def permissions(around: Surroundings) -> Iterator[Finding]:
    """Look at who may read and write what the program keeps."""
    yield _state_dir(around.state_dir)
    for name in ("ops/logs", "config"):
        folder = around.root / name
        if os.access(folder, os.W_OK | os.X_OK):
            yield Finding(name, Status.OK, "can be written")
        else:
            yield Finding(name, Status.FAIL, f"cannot be written; type: chmod u+rwx {folder}")
    for name in PRIVATE_FILES:
        path = around.root / name
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield Finding(name, Status.FAIL, f"others may read it ({mode:o}); chmod 600 {path}")
        else:
            yield Finding(name, Status.OK, f"yours alone ({mode:o})")


def _state_dir(folder: Path) -> Finding:
    subject = "state directory"
    if not folder.exists():
        parent = next(parent for parent in folder.parents if parent.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(subject, Status.OK, f"{folder}: made at the first start")
        return Finding(subject, Status.FAIL, f"{folder} cannot be made: {parent} is not writable")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(subject, Status.FAIL, f"{folder} is not a folder you can write")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        return Finding(subject, Status.FAIL, f"others may enter it ({mode:o}); chmod 700 {folder}")
    return Finding(subject, Status.OK, f"{folder} ({mode:o})")


def disk_space(around: Surroundings) -> Finding:
    """See whether the journal has room to grow."""
    folder = around.state_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    status = Status.OK if free >= MIN_FREE_BYTES else Status.FAIL
    advice = "" if status is Status.OK else "; the journal needs room: free at least 1 GB"
    return Finding("disk space", status, f"{free / 1e9:.1f} GB free in {folder}{advice}")


def keyring(around: Surroundings) -> Finding:
    """Ask, with a time limit because such calls can hang, which keyring holds secrets."""
    headless = "secrets then come from the environment (CRYPTOBOT_EXCHANGE__API_KEY, ...)"
    if not around.python.exists():
        return Finding("keyring", Status.NOT_CHECKED, "no .venv")
    try:
        asked = subprocess.run(
            [str(around.python), "-c", KEYRING_QUERY],
            check=False,
            capture_output=True,
            text=True,
            timeout=KEYRING_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Finding(
            "keyring", Status.NOTE, f"does not answer in {KEYRING_TIMEOUT_S} s; {headless}"
        )
    if asked.returncode != 0:
        said = (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Finding("keyring", Status.NOTE, f"{said}; {headless}")
    priority, _, backend = asked.stdout.strip().partition(" ")
    # keyring gives its "fail" and "null" stand-ins priorities that no real backend has.
    if float(priority) <= 0:
        return Finding("keyring", Status.NOTE, f"no backend on this machine; {headless}")
    return Finding("keyring", Status.OK, backend)


def clock_skew(engine: dict[str, Any] | None) -> Finding:
    """Report what the running engine measured against the exchange."""
    subject = "clock skew"
    if engine is None:
        return Finding(subject, Status.NOT_CHECKED, "no engine is running to ask the exchange")
    exchange = engine.get("exchange")
    skew = exchange.get("clock_skew_ms") if isinstance(exchange, dict) else None
    if not isinstance(skew, int | float):
        return Finding(subject, Status.NOT_CHECKED, "the engine has not measured it yet")
    if abs(skew) > MAX_CLOCK_SKEW_MS:
        advice = "set the machine's clock by NTP (timedatectl set-ntp true)"
        return Finding(subject, Status.FAIL, f"{skew:+.0f} ms to the exchange; {advice}")
    return Finding(subject, Status.OK, f"{skew:+.0f} ms to the exchange")
