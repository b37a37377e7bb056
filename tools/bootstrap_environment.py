"""The virtual environment: made, filled from a hash lock, and stamped so that twice is quick."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import bootstrap_system

LOCKS: Final = {"run": ("run.txt",), "dev": ("dev.txt", "run.txt")}
"""By kind: the lock that is installed, then the locks it contains."""

REASONS: Final = (
    ("No space left on device", "the disk is full; free about 2 GB"),
    ("THESE PACKAGES DO NOT MATCH THE HASHES", "a download does not match its hash; try again"),
    ("Temporary failure in name resolution", "no network: a name could not be resolved"),
    ("Name or service not known", "no network: a name could not be resolved"),
    ("Failed to establish a new connection", "no network: the package index cannot be reached"),
    ("ProxyError", "the proxy that pip is told to use does not answer"),
    ("Read timed out", "the package index answers too slowly; try again"),
    ("Read-only file system", "the folder cannot be written"),
    ("Permission denied", "the folder cannot be written"),
    ("No matching distribution found", "the package index has no file for this lock and Python"),
)
"""What pip says, and what it means; the first that appears is told."""


class SetupFailedError(Exception):
    """Set-up cannot go on; the message is the one line for the user."""


def say(line: str) -> None:
    """Print one progress line."""
    print(f"set-up: {line}", flush=True)


class Environment:
    """The project's ``.venv``.

    Args:
        root: The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / "bin" / "python"
        self._stamp = self.folder / "set-up.json"
        self._log = root / "build" / "set-up-pip.log"

    def is_current(self, kind: str) -> bool:
        """Return whether the lock of ``kind`` and the project are installed as they are now."""
        wanted, stamped = self._wanted(kind), self._stamped()
        return all(stamped.get(key) == value for key, value in wanted.items())

    def bring_up_to_date(self, kind: str) -> None:
        """Create what is missing and install what changed.

        Raises:
            SetupFailedError: With the one line that says what is wrong and what to do.
        """
        with self._alone():
            if self.is_current(kind):
                return
            if self._moved() or not self._works():
                self._create()
            wanted, stamped = self._wanted(kind), self._stamped()
            lock = LOCKS[kind][0]
            if stamped.get(lock) != wanted[lock]:
                self._install_lock(self.root / "requirements" / lock)
            self._pip("install the project", *_EDITABLE, str(self.root))
            self._stamp.write_text(json.dumps(stamped | wanted, indent=2) + "\n")

    def _wanted(self, kind: str) -> dict[str, str]:
        wanted = {name: _digest(self.root / "requirements" / name) for name in LOCKS[kind]}
        return wanted | {"project": _digest(self.root / "pyproject.toml"), "root": str(self.root)}

    def _stamped(self) -> dict[str, str]:
        try:
            stamped = json.loads(self._stamp.read_text())
        except (OSError, ValueError):
            return {}
        valid = isinstance(stamped, dict) and self.python.exists() and self._same_python()
        return stamped if valid else {}

    def _moved(self) -> bool:
        """Return whether the folder was moved: the scripts in ``bin`` name the old place."""
        return self._stamped().get("root", str(self.root)) != str(self.root)

    def _same_python(self) -> bool:
        """Return whether ``.venv`` is of the Python that runs this."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (self.folder / "lib" / f"python{version}" / "site-packages").is_dir()

    def _works(self) -> bool:
        if not (self.python.exists() and self._same_python()):
            return False
        asked = subprocess.run(
            [str(self.python), "-c", "import pip"], check=False, capture_output=True
        )
        return asked.returncode == 0

    def _create(self) -> None:
        base = Path(getattr(sys, "_base_executable", sys.executable))
        self._need_ensurepip(base)
        version = ".".join(map(str, sys.version_info[:3]))
        say(f"creating .venv with Python {version} ({base})")
        made = subprocess.run(
            [str(base), "-m", "venv", "--clear", str(self.folder)],
            check=False,
            capture_output=True,
            text=True,
            env=_clean_environ(),
        )
        if made.returncode != 0:
            raise SetupFailedError(f"cannot create {self.folder}: {_reason(_said(made))}")

    def _need_ensurepip(self, base: Path) -> None:
        if _has_ensurepip(base):
            return
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        say(f"missing on this machine: {package}, which Debian splits off from Python")
        trouble = bootstrap_system.install([package], self.root / "build" / "set-up-apt.log")
        if trouble is not None or not _has_ensurepip(base):
            raise SetupFailedError(
                f"{base} cannot make virtual environments (no ensurepip); "
                f"{trouble or bootstrap_system.line_to_type([package])}"
            )

    def _install_lock(self, lock: Path) -> None:
        count = sum("==" in line for line in lock.read_text().splitlines())
        where = lock.relative_to(self.root)
        say(f"installing {where}: about {count} packages, hashes checked; a minute the first time")
        progress = _Progress(count)
        # The lock is the whole closure. pip's resolver would look beyond it: for `coverage[toml]`
        # it takes the newest release, whatever is pinned, and then misses that one's hash.
        locked = ("--no-compile", "--no-deps", "--require-hashes", "-r", str(lock))
        self._pip(f"install {where}", *locked, on_line=progress.line)
        progress.end()
        self._compile()

    def _compile(self) -> None:
        """Compile on all cores what pip would compile on one; ccxt alone is 20 s of work."""
        say("compiling")
        command = [str(self.python), "-m", "compileall", "-q", "-j", "0", "-x", r"/tests?/"]
        # Some packages ship templates that are no Python: compileall says so, and it is no matter.
        subprocess.run(
            [*command, str(self.folder / "lib")], check=False, capture_output=True, cwd=self.root
        )

    def _pip(
        self, goal: str, *arguments: str, on_line: Callable[[str], None] = lambda _: None
    ) -> None:
        command = [str(self.python), "-m", "pip", "install", *_QUIET, *arguments]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with (
            self._log.open("w") as log,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=self.root,
                env=_clean_environ() | {"PYTHONUNBUFFERED": "1"},
            ) as pip,
        ):
            assert pip.stdout is not None  # noqa: S101 - asked for with PIPE
            for line in pip.stdout:
                log.write(line)
                on_line(line)
        if pip.returncode != 0:
            said = self._log.read_text(errors="replace")
            raise SetupFailedError(f"cannot {goal}: {_reason(said)} (all of it: {self._log})")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self.root / "build" / "set-up.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another set-up of this folder")
                fcntl.flock(held, fcntl.LOCK_EX)
            yield


EVERY: Final = 20
_QUIET: Final = ("--disable-pip-version-check", "--no-input", "--progress-bar=off")
_EDITABLE: Final = ("--no-index", "--no-deps", "--no-build-isolation", "--editable")


class _Progress:
    """Counts the packages pip found: one rewritten line on a terminal, else one in ``EVERY``."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._seen = 0
        self._terminal = sys.stdout.isatty()

    def line(self, line: str) -> None:
        if line.startswith("Installing collected packages"):
            self._show("unpacking")
        elif line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._seen += 1
            if self._terminal or self._seen % EVERY == 0:
                self._show(next((word for word in line.split() if "==" in word), ""))

    def _show(self, what: str) -> None:
        text = f"set-up: {self._seen:3} of {self._total}  {what}"
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{text[:columns]}" if self._terminal else text, end="", flush=True)
        if not self._terminal:
            print(flush=True)

    def end(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", flush=True)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise SetupFailedError(f"{path} is missing: this checkout is not complete") from None


def _has_ensurepip(python: Path) -> bool:
    asked = subprocess.run(
        [str(python), "-c", "import ensurepip, venv"], check=False, capture_output=True
    )
    return asked.returncode == 0


def _clean_environ() -> dict[str, str]:
    """Return the environment without settings that would send packages elsewhere."""
    astray = {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in astray}


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def _reason(said: str) -> str:
    for text, meaning in REASONS:
        if text in said:
            return meaning
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1]
