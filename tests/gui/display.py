"""An X server with a window manager, and where wanted a tray, for tests of the real window."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.counterparts import not_here

NEEDED = ("Xvfb", "xdotool", "openbox", "trayer", "xprop", "dbus-daemon", "dunst")


@dataclass
class Display:
    """A running display."""

    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program on it; it ends with the display."""
        process = subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.started.append(process)
        return process

    def start_bus(self) -> None:
        """Give what is started from now on a session bus of its own."""
        bus = self.start("dbus-daemon", "--session", "--nofork", "--print-address=1")
        assert bus.stdout is not None
        address = bus.stdout.readline().decode().strip()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address

    def python(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start Python code on it."""
        return self.start(sys.executable, "-c", code, *arguments)

    def ask(self, *command: str) -> str:
        """Run a program and return what it says."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip()


@contextmanager
def display() -> Iterator[Display]:
    """Start a display; without the programs skip the test, in CI fail it."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        not_here(f"not installed: {', '.join(missing)}")
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1700x1100x24", "-nolisten", "tcp"],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as stream:
        number = stream.readline().strip()
    environment = {
        **os.environ,
        "DISPLAY": f":{number}",
        "QT_QPA_PLATFORM": "xcb",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    shown = Display(environment)
    try:
        shown.start("openbox")
        yield shown
    finally:
        for process in reversed(shown.started):
            process.terminate()
        for process in shown.started:
            process.wait(20)
            if process.stdout is not None:
                process.stdout.close()
        server.terminate()
        server.wait(20)
