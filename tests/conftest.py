"""What holds for every test: no user state is touched, no thread is left, CI excuses nothing."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest

# Before anything imports Qt. A test that wants a real window brings its own X server and
# starts the window as a process with its own environment.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
IN_CI = os.environ.get("CI", "").lower() == "true"

THREAD_FAREWELL_S = 2.0
"""How long a thread that was told to stop may take; only a leak ever waits this long."""

# Machines differ in speed: a deadline would make them disagree about a passing test.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep end-to-end tests on one worker, one after the other: they need the cores to themselves.

    A test that names its own ``xdist_group`` keeps it.
    """
    for item in items:
        if item.get_closest_marker("e2e") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("e2e"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of recorded material where there is none; in CI that is a failure."""
    if item.get_closest_marker("shared") is None or SHARED.is_dir():
        return
    reason = f"no recorded material at {SHARED}"
    if IN_CI:
        pytest.fail(f"{reason}, and CI=true", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The recorded material; only for tests marked ``shared``."""
    return SHARED


@pytest.fixture(scope="session")
def _homes() -> Iterator[Iterator[Path]]:
    """Folders for one test each, short enough for a socket's path (108 bytes)."""
    base = Path(tempfile.mkdtemp(prefix="cb-"))
    yield (base / str(number) for number in count())
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(autouse=True)
def user_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private, still missing folder that state, logs, settings and secrets of this test go to.

    Every ``CRYPTOBOT_*`` and ``SENTRY_*`` variable of the user is gone, and what ``make test``
    tells the commands of its recipes; started processes inherit that.
    """
    home = next(_homes)
    for name in os.environ:
        if name.startswith(("CRYPTOBOT_", "SENTRY_", "OTEL_", "MAKE", "MFLAGS")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("CRYPTOBOT_LOG_DIR", str(home / "logs"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return home


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread which would keep the process alive."""
    before = set(threading.enumerate())
    yield
    left = [
        thread for thread in threading.enumerate() if thread not in before and not thread.daemon
    ]
    for thread in left:
        thread.join(THREAD_FAREWELL_S)
    names = sorted(thread.name for thread in left if thread.is_alive())
    if names:
        pytest.fail(f"threads left running: {', '.join(names)}", pytrace=False)
