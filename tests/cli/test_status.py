"""``cryptobot status`` without an engine to ask."""

import json
from pathlib import Path

import pytest

from cryptobot.cli import main
from tests.ops.scripted_socket import engine, engine_lock, error, result


def status(
    capsys: pytest.CaptureFixture[str], state_dir: Path, *options: str
) -> tuple[int, str, str]:
    code = main(["status", "--state-dir", str(state_dir), *options])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_status_without_an_engine_is_one_line(
    user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = status(capsys, user_home / "s")
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith(f"cryptobot: no engine is running for {user_home / 's'}")


def test_status_with_an_engine_elsewhere_names_it(
    user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine(user_home / "other", result()):
        (user_home / "other" / "engine.lock").write_text("4711\n")
        code, _, err = status(capsys, user_home / "s")
        as_json = json.loads(status(capsys, user_home / "s", "--json")[1])
    assert code == 1
    assert f"{user_home / 'other'} (pid 4711)" in err
    assert {"state_dir": str(user_home / "other"), "pid": 4711} in as_json["running_engines"]
    assert as_json["state_dir"] == str(user_home / "s")
    assert as_json["error"] in err


def test_status_of_an_engine_that_cannot_be_asked_says_where_its_pid_is(
    user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine_lock(user_home / "s"):
        code, _, err = status(capsys, user_home / "s")
    assert code == 1
    assert "does not answer" in err
    assert str(user_home / "s" / "engine.lock") in err


def test_status_of_an_engine_that_answers_with_an_error_repeats_it(
    user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with engine(user_home / "s", error(-32603, "it is unwell")):
        code, _, err = status(capsys, user_home / "s")
    assert code == 1
    assert "the engine answered: it is unwell" in err
