import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cryptobot.control.locate import engine_runs
from cryptobot.domain.errors import UserError
from cryptobot.engine.single_instance import InstanceLock, LogLock, log_writer


def test_lock_makes_the_directory_private_and_tells_its_pid(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    file = tmp_path / "a" / "b" / "engine.lock"
    assert file.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lock.release()


def test_second_lock_is_refused_by_the_pid_of_the_first(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    with pytest.raises(UserError, match=rf"pid {os.getpid()}.*another --state-dir"):
        InstanceLock(tmp_path)
    assert engine_runs(tmp_path)
    lock.release()
    assert not engine_runs(tmp_path)
    InstanceLock(tmp_path).release()


def test_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, os, signal; from pathlib import Path;"
        "from cryptobot.engine.single_instance import InstanceLock;"
        "lock = InstanceLock(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -9
    assert not engine_runs(tmp_path)
    InstanceLock(tmp_path).release()


def test_lock_of_an_engine_that_was_killed_is_waited_for_while_its_journal_is_written(
    tmp_path: Path,
) -> None:
    engine = (
        "import sys, os, signal, subprocess; from pathlib import Path;"
        "from cryptobot.engine.single_instance import InstanceLock;"
        "lock = InstanceLock(Path(sys.argv[1]));"
        "writer = 'import sys, pathlib; sys.stdin.read(); pathlib.Path(sys.argv[1]).touch()';"
        "subprocess.Popen([sys.executable, '-c', writer, sys.argv[2]], pass_fds=[lock.fileno()]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    last = tmp_path / "last-record"
    with subprocess.Popen(
        [sys.executable, "-c", engine, str(tmp_path), str(last)], stdin=subprocess.PIPE
    ) as killed:
        assert killed.stdin is not None
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
        killed.stdin.close()  # the writer's input ends as an engine's socket does
        assert killed.wait() == -9
        lock = InstanceLock(tmp_path)
        assert last.exists()
        lock.release()


def test_looking_whether_an_engine_runs_does_not_stop_one_from_starting(tmp_path: Path) -> None:
    lock = InstanceLock(tmp_path)
    lock.release()
    for _ in range(3):
        assert not engine_runs(tmp_path)
    InstanceLock(tmp_path).release()


def test_lock_in_a_directory_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^state_dir .*file.*: .+$"):
        InstanceLock(tmp_path / "file")


def test_second_writer_of_logs_is_refused_by_the_pid_and_state_of_the_first(tmp_path: Path) -> None:
    assert log_writer(tmp_path / "logs") is None
    lock = LogLock(tmp_path / "logs", Path("/state/of/first"))
    with pytest.raises(
        UserError, match=rf"\(pid {os.getpid()}, state /state/of/first\).*--log-dir"
    ):
        LogLock(tmp_path / "logs", Path("/state/of/second"))
    assert log_writer(tmp_path / "logs") == f"pid {os.getpid()}, state /state/of/first"
    lock.release()
    assert log_writer(tmp_path / "logs") is None
    LogLock(tmp_path / "logs", Path("/state/of/second")).release()


def test_logs_and_state_in_one_directory_are_two_locks(tmp_path: Path) -> None:
    state, logs = InstanceLock(tmp_path), LogLock(tmp_path, tmp_path)
    assert engine_runs(tmp_path)
    assert log_writer(tmp_path) is not None
    state.release()
    logs.release()


def test_log_directory_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^log_dir .*file.*: .+$"):
        LogLock(tmp_path / "file", tmp_path)


def test_engine_starts_while_another_process_keeps_looking_whether_one_runs(
    tmp_path: Path,
) -> None:
    InstanceLock(tmp_path).release()
    program = (
        "import sys; from pathlib import Path; from cryptobot.control.locate import engine_runs;"
        "print('looking', flush=True)\nwhile True: engine_runs(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as onlooker:
        try:
            assert onlooker.stdout is not None
            onlooker.stdout.readline()
            for _ in range(3000):
                InstanceLock(tmp_path).release()
        finally:
            onlooker.kill()
