import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import runtime_checks
from runtime_checks import Status, Surroundings

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tools" / "check_runtime_dependencies.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", str(PROGRAM), *arguments],
        check=False,
        capture_output=True,
        text=True,
    )


def around(tmp_path: Path, port: int = 1) -> Surroundings:
    return Surroundings(tmp_path, tmp_path / "state", port)


@contextmanager
def answering(path: Path, status: dict[str, object]) -> Iterator[None]:
    """A control socket that answers one call with ``status``."""
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def answer() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rw") as lines:
                request = json.loads(lines.readline())
                reply = {"jsonrpc": "2.0", "id": request["id"], "result": status}
                lines.write(json.dumps(reply) + "\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield
        thread.join()


def test_program_with_a_free_port_and_json_lists_every_subject(user_home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = run("--json", "--state-dir", str(user_home / "state"), "--port", str(port))
    assert done.stderr == ""
    rows = {row["subject"]: row for row in json.loads(done.stdout)}
    assert rows[f"port {port} (metrics)"]["status"] == "ok"
    assert rows["clock skew"]["status"] == "not checked"
    assert {"Python", "system libraries", "state directory", "keyring", "disk space"} <= set(rows)
    assert done.returncode == int(any(row["status"] == "fail" for row in rows.values()))


def test_program_with_a_taken_metrics_port_names_its_owner_and_exits_1(user_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--state-dir", str(user_home / "state"))
    assert done.returncode == 1
    row = next(line for line in done.stdout.splitlines() if f"port {port}" in line)
    assert "FAIL" in row
    assert "CRYPTOBOT_METRICS__PORT" in row
    if sys.platform == "linux":
        assert f"(process {os.getpid()})" in row


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_program_with_a_bad_port_exits_2(port: str) -> None:
    assert run("--port", port).returncode == 2


def test_packages_without_an_environment_says_what_to_type(tmp_path: Path) -> None:
    (finding,) = runtime_checks.packages(around(tmp_path))
    assert finding.status is Status.FAIL
    assert finding.detail.endswith("type: make setup")


def test_packages_with_another_version_names_both(tmp_path: Path) -> None:
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    # A link to the interpreter alone is no environment: let it find the tests' packages.
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /nowhere\n")
    (tmp_path / ".venv/lib").symlink_to(Path(sys.prefix) / "lib")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/run.txt").write_text(
        "pytest==0.0.1 \\\n    --hash=sha256:0\nnever==1 ; sys_platform == 'other'\nabsent-x==2\n"
    )
    findings = {row.subject.strip(): row for row in runtime_checks.packages(around(tmp_path))}
    assert set(findings) == {"pytest", "absent-x"}
    assert "instead of 0.0.1" in findings["pytest"].detail
    assert "2 is not installed" in findings["absent-x"].detail


def test_permissions_with_open_secrets_and_state_names_the_chmod(tmp_path: Path) -> None:
    (tmp_path / "ops/logs").mkdir(parents=True)
    (tmp_path / "config").mkdir()
    (tmp_path / "state").mkdir(mode=0o755)
    secret = tmp_path / "config/production.env"
    secret.touch()
    secret.chmod(0o640)  # a group is others too
    failed = [
        row.detail
        for row in runtime_checks.permissions(around(tmp_path))
        if row.status is Status.FAIL
    ]
    assert failed == [
        f"others may enter it (755); chmod 700 {tmp_path / 'state'}",
        f"others may read it (640); chmod 600 {secret}",
    ]


@pytest.mark.parametrize(
    ("skew", "status"),
    [(12, Status.OK), (-1500, Status.FAIL), (1001.5, Status.FAIL), (None, Status.NOT_CHECKED)],
)
def test_clock_skew_with_a_running_engine_judges_what_it_measured(
    user_home: Path, skew: float | None, status: Status
) -> None:
    here = Surroundings(ROOT, user_home / "state", 9100)
    answer: dict[str, object] = {"pid": 7, "exchange": {"clock_skew_ms": skew}}
    with answering(here.state_dir / "control.sock", answer):
        engine = here.engine()
    assert engine == answer
    assert runtime_checks.clock_skew(engine).status is status


def test_ports_with_this_engine_on_the_metrics_port_is_well(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        engine = {"pid": 7, "metrics": {"port": port}}
        first, *_ = runtime_checks.ports(around(tmp_path, port), engine)
    assert first.status is Status.OK
    assert "process 7" in first.detail
