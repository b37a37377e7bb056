"""The simulator as a process of its own."""

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.e2e

PROGRAM = [sys.executable, "-m", "cryptobot.simulator"]
FREE = ["--port", "0", "--tls-port", "0"]
ROOT = Path(__file__).parents[2]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it and yield the process and the line it said when it was ready."""
    with subprocess.Popen(
        [*PROGRAM, *FREE, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
        return bytes(answer.read())


def failed(*options: str) -> tuple[int, str]:
    done = subprocess.run(
        [*PROGRAM, *options], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_ready_line_names_ports_and_the_authority_is_trusted(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with running("--ready-json", "--tls-ca-out", str(ca)) as (_, line):
        ready = json.loads(line)
        assert ready.keys() == {"port", "tls_port", "ca"}
        assert ready["ca"] == str(ca)
        context = ssl.create_default_context(cafile=str(ca))
        for name in ("api.binance.com", "stream.binance.com", "localhost"):
            with (
                socket.create_connection(("127.0.0.1", ready["tls_port"])) as plain,
                context.wrap_socket(plain, server_hostname=name) as secure,
            ):
                assert secure.version() == "TLSv1.3"
        with urllib.request.urlopen(f"http://127.0.0.1:{ready['port']}/api/v3/time") as answer:
            assert answer.headers["Server"].startswith("cryptobot-simulator/")
    assert b"PRIVATE KEY" not in ca.read_bytes()
    assert stat.S_ISREG(ca.stat().st_mode)


def test_faults_of_the_file_are_in_force_from_the_start(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"preset": "maintenance"}, {"kind": "ban", "after_s": 60}]')
    with running("--ready-json", "--faults", str(file)) as (_, line):
        base = f"http://127.0.0.1:{json.loads(line)['port']}"
        with pytest.raises(urllib.error.HTTPError) as error:
            fetch(f"{base}/api/v3/ping")
        assert error.value.code == 503
        error.value.close()
        assert [one["stage"] for one in json.loads(fetch(f"{base}/sim/faults"))] == [
            "active", "waiting",
        ]  # fmt: skip


def test_bad_faults_file_says_which_field(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('{"kind": "bann"}')
    status, text = failed(*FREE, "--faults", str(file))
    assert status == 1
    assert text.startswith(f"cryptobot simulator: faults file {file}: kind: 'bann' is unknown;")


def test_ready_line_for_people_is_one_line() -> None:
    with running() as (_, line):
        assert line.startswith("simulated exchange ready: http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with running("--ready-json") as (process, line):
        port = json.loads(line)["port"]
        with socket.create_connection(("127.0.0.1", port)) as idle:
            idle.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_busy_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, text = failed("--port", port, "--tls-port", "0")
    assert code == 1
    owner = f"{psutil.Process().name()}, pid {os.getpid()}"
    assert text == (
        f"cryptobot simulator: port {port} on 127.0.0.1 is in use by {owner}: stop it "
        "or give another --port\n"
    )


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--market", "absent.csv"], 1, "market file absent.csv cannot be read"),
        (["--market", "pyproject.toml"], 1, "market file pyproject.toml is not known"),
        (["--tls-ca-out", "/absent/ca.pem"], 1, "cannot write /absent/ca.pem"),
        (["--host", "0.0.0.0"], 2, "is no loopback address"),  # noqa: S104 - must be refused
        (["--faults", "absent.json"], 1, "faults file absent.json cannot be read"),
        (["--faults", "pyproject.toml"], 1, "faults file pyproject.toml is no JSON"),
        (["--messages-per-s", "0"], 2, "is no whole number above 0"),
        (["--speed", "0"], 2, "is no speed"),
        (["--port", "70000"], 2, "is no port"),
    ],
)
def test_bad_option_says_what_to_do(options: list[str], code: int, words: str) -> None:
    status, text = failed(*FREE, *options)
    assert status == code
    assert words in text
    assert "Traceback" not in text
