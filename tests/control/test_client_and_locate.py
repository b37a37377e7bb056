"""Finding an engine and asking it, with the standard library alone."""

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cryptobot.control.client import ControlClient
from cryptobot.control.locate import (
    RunningEngine,
    engine_runs,
    engine_state_dir,
    running_engines,
    told,
    user_state_dir,
)
from cryptobot.control.protocol import RpcError
from tests.ops.scripted_socket import engine, engine_lock, error, raw, result, silence


@pytest.fixture
def state_dir(user_home: Path) -> Path:
    return user_home / "s"


def ask(state_dir: Path, timeout_s: float = 5.0) -> object:
    with ControlClient(state_dir / "control.sock", timeout_s=timeout_s) as client:
        return client.call("mode.set", mode="paper")


class TestClient:
    def test_result_is_returned(self, state_dir: Path) -> None:
        with engine(state_dir, result(mode="paper")) as requests:
            answer = ask(state_dir)
        assert isinstance(answer, dict)
        assert answer["mode"] == "paper"
        assert requests == [
            {"jsonrpc": "2.0", "id": 1, "method": "mode.set", "params": {"mode": "paper"}}
        ]

    def test_error_is_raised_with_code_message_and_data(self, state_dir: Path) -> None:
        refusing = engine(state_dir, error(-32001, "live refused", {"failed": []}))
        with refusing, pytest.raises(RpcError, match="live refused") as refused:
            ask(state_dir)
        assert (refused.value.code, refused.value.data) == (-32001, {"failed": []})

    def test_nobody_listening_is_an_os_error(self, state_dir: Path) -> None:
        with pytest.raises(FileNotFoundError):
            ask(state_dir)

    def test_silence_is_a_time_out(self, state_dir: Path) -> None:
        with engine(state_dir, silence), pytest.raises(TimeoutError):
            ask(state_dir, 0.05)

    @pytest.mark.parametrize("reply", [b"", b"hello\n", b"[]\n", b"{\n", b'{"id":1}\n', b"half"])
    def test_answer_that_makes_no_sense_is_a_lost_connection(
        self, state_dir: Path, reply: bytes
    ) -> None:
        with engine(state_dir, raw(reply)), pytest.raises(ConnectionError):
            ask(state_dir)

    def test_other_lines_before_the_answer_are_skipped(self, state_dir: Path) -> None:
        def answer(request: dict[str, Any]) -> bytes | None:
            return b'{"method":"event"}\n{"id":0}\n' + (result()(request) or b"")

        with engine(state_dir, answer):
            assert ask(state_dir)


class TestLocate:
    def test_default_is_the_users_or_the_environments(
        self, user_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if sys.platform != "darwin":
            assert user_state_dir() == user_home / "state" / "cryptobot"
        monkeypatch.setenv("CRYPTOBOT_STATE_DIR", "~/elsewhere")
        assert user_state_dir() == Path.home() / "elsewhere"

    def test_engine_runs_while_its_lock_is_held(self, state_dir: Path) -> None:
        assert not engine_runs(state_dir)
        with engine_lock(state_dir):
            assert engine_runs(state_dir)
        assert not engine_runs(state_dir)

    def test_two_that_look_at_once_are_no_engine(self, state_dir: Path) -> None:
        with engine_lock(state_dir):
            pass
        with (state_dir / "engine.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            assert not engine_runs(state_dir)

    def test_directory_of_a_user_who_does_not_exist_is_taken_as_it_is_written(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strange = Path("~no-such-user/x")
        assert engine_state_dir(strange) == Path.cwd() / strange
        monkeypatch.setenv("CRYPTOBOT_STATE_DIR", str(strange))
        assert user_state_dir() == strange

    def test_running_engines_are_found_wherever_they_keep_their_state(
        self, state_dir: Path, user_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRYPTOBOT_STATE_DIR", str(user_home))
        starting = engine_lock(user_home / "below")  # has its lock, but no socket yet
        with engine(state_dir / "far", result()), starting:
            found = [one for one in running_engines() if one.state_dir.is_relative_to(user_home)]
        expected = {RunningEngine(user_home / "below", None)}
        if sys.platform == "linux":
            expected.add(RunningEngine(state_dir / "far", None))
        assert set(found) == expected
        assert not [one for one in running_engines() if one.state_dir.is_relative_to(user_home)]

    def test_engines_in_words(self) -> None:
        assert told([]) == "none"
        some = [RunningEngine(Path("/a"), 7), RunningEngine(Path("/b"), None)]
        assert told(some) == "/a (pid 7), /b (pid unknown)"

    def test_explicit_directory_is_meant_whatever_runs(
        self, state_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRYPTOBOT_STATE_DIR", str(state_dir))
        with engine_lock(state_dir / "demo"):
            assert engine_state_dir(state_dir / "other") == state_dir / "other"

    def test_only_engine_below_the_default_is_meant_when_none_runs_there(
        self, state_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CRYPTOBOT_STATE_DIR", str(state_dir))
        assert engine_state_dir(None) == state_dir
        with engine_lock(state_dir / "demo"):
            assert engine_state_dir(None) == state_dir / "demo"
            with engine_lock(state_dir / "second"):
                assert engine_state_dir(None) == state_dir
            with engine_lock(state_dir):
                assert engine_state_dir(None) == state_dir


def test_control_is_importable_without_site_packages() -> None:
    program = (
        "import cryptobot.control.client, cryptobot.control.locate, sys;"
        "print(sorted(name for name in sys.modules if name.startswith('cryptobot')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "cryptobot.domain" not in done.stdout
