"""The rules of tests/conftest.py, each tried on a small suite of its own."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[pytest]
markers =
    e2e: as in the project
    shared: as in the project
addopts = -p no:randomly -p no:cacheprovider -p no:pytest-qt -p no:asyncio -p no:cov
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose ``tests`` hold our root conftest, beside no ``shared`` folder."""
    monkeypatch.delenv("CI", raising=False)
    project = pytester.mkdir("project")
    (project / "tests").mkdir()
    (project / "pytest.ini").write_text(SETTINGS)
    (project / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    monkeypatch.chdir(project)
    return pytester


def run(suite: pytest.Pytester, code: str, *arguments: str) -> pytest.RunResult:
    (suite.path / "project" / "tests" / "test_it.py").write_text(code)
    return suite.runpytest_subprocess(*arguments)


SHARED = """
import pytest

@pytest.mark.shared
def test_it(shared_dir):
    assert (shared_dir / "README").read_text() == "hello"
"""


def test_shared_without_the_material_skips_with_a_reason(suite: pytest.Pytester) -> None:
    result = run(suite, SHARED, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines([f"*no recorded material at {suite.path / 'shared'}*"])


def test_shared_without_the_material_in_ci_fails(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    run(suite, SHARED).assert_outcomes(errors=1)


def test_shared_with_the_material_runs(suite: pytest.Pytester) -> None:
    suite.mkdir("shared")
    (suite.path / "shared" / "README").write_text("hello")
    run(suite, SHARED).assert_outcomes(passed=1)


def test_thread_left_behind_fails_its_test(suite: pytest.Pytester) -> None:
    code = """
import threading

gate = threading.Event()

def test_leak():
    threading.Thread(target=gate.wait, name="stray").start()

def test_after():
    gate.set()
"""
    result = run(suite, code)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*threads left running: stray*"])


def test_user_state_with_any_environment_is_out_of_reach(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOBOT_EXCHANGE__API_KEY", "real")
    monkeypatch.setenv("SENTRY_DSN", "real")
    code = """
import os
from pathlib import Path

import pytest

seen = set()

@pytest.mark.parametrize("number", [1, 2])
def test_it(number, user_home):
    assert "CRYPTOBOT_EXCHANGE__API_KEY" not in os.environ
    assert "SENTRY_DSN" not in os.environ
    state = Path(os.environ["XDG_STATE_HOME"])
    assert state.is_relative_to(user_home)
    assert not state.is_relative_to(Path.home())
    assert len(str(state / "cryptobot" / "control.sock")) < 100
    assert state not in seen
    seen.add(state)
"""
    run(suite, code).assert_outcomes(passed=2)


def test_e2e_with_two_workers_stays_on_one(suite: pytest.Pytester) -> None:
    code = """
import os
from pathlib import Path

import pytest

@pytest.mark.e2e
@pytest.mark.parametrize("number", range(6))
def test_real(number):
    with Path("workers").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")

@pytest.mark.parametrize("number", range(6))
def test_quick(number):
    pass
"""
    run(suite, code, "-n", "2", "--dist", "loadgroup").assert_outcomes(passed=12)
    workers = (suite.path / "project" / "workers").read_text().split()
    assert len(workers) == 6
    assert len(set(workers)) == 1


def test_qt_without_a_choice_draws_offscreen() -> None:
    assert os.environ["QT_QPA_PLATFORM"]
