"""The script on-call runs, as a program on a bare Python, with and without an engine."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT
from tests.counterparts import not_here

from .scripted_socket import Answer, engine, engine_lock, error, raw, result, silence

SCRIPT = ROOT / "ops" / "mode_switch.py"
ORDER = {
    "order_id": "a" * 32,
    "symbol": "BTC/USDT",
    "side": "buy",
    "amount": "1",
    "price": "100",
    "state": "accepted",
    "filled": "0",
}
FAILED = [
    {"precondition": "keys", "detail": "there are none"},
    {"precondition": "reconciliation", "detail": "1 order differs"},
]


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def state_dir(user_home: Path) -> Path:
    return user_home / "s"


def run(*arguments: str, **environment: str) -> Ran:
    """Run the script without site packages, as a machine without the environment would."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
        cwd="/",
    )
    assert "Traceback" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def to_paper(state_dir: Path, *arguments: str) -> Ran:
    return run("--mode=paper", f"--state-dir={state_dir}", "--timeout=0.5", *arguments)


def to_live(state_dir: Path, *arguments: str) -> Ran:
    return run("--mode=live", f"--state-dir={state_dir}", "--timeout=0.5", *arguments)


def note(state_dir: Path) -> dict[str, Any]:
    file = state_dir / "PAPER_ONLY"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found: dict[str, Any] = json.loads(file.read_text())
    return found


class TestAcknowledged:
    def test_paper_prints_mode_orders_in_flight_and_cancelled_ones(self, state_dir: Path) -> None:
        answer = result(
            open_live_orders=[ORDER],
            in_flight=[{**ORDER, "outcome": "stopped_before_wire"}],
            canceled=[{**ORDER, "order_id": "c" * 32}],
            mode_reason="it burns",
            paper_account_from="2026-01-02T03:02:36.000Z",
            paper_account_age_s=90,
        )
        with engine(state_dir, answer) as requests:
            ran = to_paper(state_dir, "--reason=it burns", "--actor=ann", "--cancel-open")
        assert ran.code == 0
        assert "could not be cancelled" in ran.err  # one live order is still open
        assert ran.out.splitlines() == [
            "PAPER since 2026-01-02T03:04:05.678Z, fenced, trading active: it burns",
            "paper account: starts with the live balances of 2026-01-02T03:02:36.000Z, 90 s old",
            f"in flight: BTC/USDT {'a' * 32}: stopped before wire",
            f"cancelled: BTC/USDT {'c' * 32}",
            "open live orders: 1",
            f"  BTC/USDT buy 1 @ 100 accepted filled 0 {'a' * 32}",
        ]
        [request] = requests
        assert request["method"] == "mode.set"
        assert request["params"] == {
            "mode": "paper",
            "reason": "it burns",
            "actor": "ann",
            "cancel_open": True,
        }
        assert note(state_dir)["reason"] == "it burns"

    def test_paper_while_on_paper_says_where_the_new_reason_is(self, state_dir: Path) -> None:
        with engine(state_dir, result()):
            ran = to_paper(state_dir, "--reason=still burning")
        assert ran.out.splitlines()[:2] == [
            "PAPER since 2026-01-02T03:04:05.678Z, fenced, trading active: on call",
            "it was in that mode already: the reason given now is kept in the log only",
        ]

    def test_live_sends_the_confirmation_and_writes_no_fence(self, state_dir: Path) -> None:
        with engine(state_dir, result(mode="live", fenced=False)) as requests:
            ran = to_live(state_dir, "--confirm=main")
        assert (ran.code, ran.out.partition(" ")[0]) == (0, "LIVE")
        assert requests[0]["params"]["confirm"] == "main"
        assert not (state_dir / "PAPER_ONLY").exists()

    def test_json_is_one_object_with_the_exit_code(self, state_dir: Path) -> None:
        with engine(state_dir, result()):
            ran = to_paper(state_dir, "--json")
        told = json.loads(ran.out)
        assert (told["exit"], told["mode"], told["requested"]) == (0, "paper", "paper")
        assert told["state_dir"] == str(state_dir)

    def test_notifications_and_late_answers_before_the_answer_are_skipped(
        self, state_dir: Path
    ) -> None:
        def answer(request: dict[str, Any]) -> bytes | None:
            event = {"jsonrpc": "2.0", "method": "event", "params": {}}
            line = result()(request)
            assert line is not None
            return json.dumps(event).encode() + b'\n{"id":99,"result":1}\n' + line

        with engine(state_dir, answer):
            assert to_paper(state_dir).code == 0


class TestFailed:
    def test_paper_that_the_engine_answers_with_an_error_says_that_the_fence_holds(
        self, state_dir: Path
    ) -> None:
        with engine(state_dir, error(-32603, "the engine failed; see engine.log")):
            ran = to_paper(state_dir)
        assert ran.code == 1
        assert "the engine failed" in ran.err
        assert "PAPER_ONLY is written" in ran.err
        assert note(state_dir)["actor"]

    @pytest.mark.parametrize(
        "reply",
        [
            b"hello\n",
            b"[]\n",
            b"7\n",
            b'{"id":1}\n',
            b'{"id":1,"error":"no"}\n',
            b"\xff\xfe\n",
            b"",
        ],
    )
    def test_paper_with_an_answer_that_makes_no_sense_is_no_acknowledgement(
        self, state_dir: Path, reply: bytes
    ) -> None:
        with engine(state_dir, raw(reply)):
            ran = to_paper(state_dir)
        assert ran.code in {1, 4}
        assert "PAPER_ONLY is written" in ran.err
        assert len(ran.err.splitlines()) == 1

    @pytest.mark.parametrize("answer", [result(mode="live"), raw(b'{"id":1,"result":null}\n')])
    def test_paper_with_an_answer_that_is_not_paper_is_no_acknowledgement(
        self, state_dir: Path, answer: Answer
    ) -> None:
        with engine(state_dir, answer):
            ran = to_paper(state_dir)
        assert ran.code == 1
        assert ran.out == ""

    def test_paper_with_a_state_dir_that_is_a_file_admits_that_nothing_is_fenced(
        self, state_dir: Path
    ) -> None:
        state_dir.parent.mkdir(parents=True)
        state_dir.touch()
        ran = to_paper(state_dir)
        assert ran.code == 1
        assert "cannot write the fence file" in ran.err
        assert len(ran.err.splitlines()) == 1
        told = json.loads(to_paper(state_dir, "--json").out)
        assert told["exit"] == 1
        assert "fence_error" in told

    def test_paper_with_an_unwritable_state_dir_fails(self, state_dir: Path) -> None:
        state_dir.mkdir(parents=True)
        state_dir.chmod(0o500)
        # Root may write there, but nobody makes a file in this one.
        unwritable = Path("/proc/sys") if os.geteuid() == 0 else state_dir
        ran = to_paper(unwritable)
        assert ran.code == 1
        assert f"cannot write the fence file {unwritable / 'PAPER_ONLY'}" in ran.err

    def test_live_with_an_engine_that_hangs_fails(self, state_dir: Path) -> None:
        with engine(state_dir, silence):
            ran = to_live(state_dir, "--confirm=main")
        assert ran.code == 1
        assert "did not answer within 0.5 s" in ran.err


class TestWrongUsage:
    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--mode=demo"],
            ["--mode=paper", "--confirm=main"],
            ["--mode=live", "--cancel-open"],
            ["--mode=paper", "--timeout=0"],
            ["--mode=paper", "--timeout=nan"],
            ["--mode=paper", "--timeout=inf"],
            ["--mode=paper", "--timeout=soon"],
            ["--mode=paper", "--wat"],
        ],
    )
    def test_arguments_that_make_no_sense_exit_two_and_do_nothing(
        self, state_dir: Path, arguments: list[str]
    ) -> None:
        ran = run(*arguments, f"--state-dir={state_dir}")
        assert ran.code == 2
        assert "error: " in ran.err
        assert not state_dir.exists()

    def test_help_names_every_exit_code_and_option(self) -> None:
        ran = run("--help")
        assert ran.code == 0
        for code in range(6):
            assert f"\n  {code}  " in ran.out
        for option in (
            "--mode",
            "--reason",
            "--actor",
            "--cancel-open",
            "--confirm",
            "--state-dir",
            "--timeout",
            "--json",
        ):
            assert option in ran.out


class TestNoEngine:
    def test_paper_with_no_engine_writes_the_fence_and_says_what_it_means(
        self, state_dir: Path
    ) -> None:
        ran = to_paper(state_dir, "--reason=it burns", "--actor=ann")
        assert ran.code == 3
        assert "no engine has ever used" in ran.err
        assert "the next start there is on paper" in ran.err
        assert {key: note(state_dir)[key] for key in ("reason", "actor")} == {
            "reason": "it burns",
            "actor": "ann",
        }
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700

    def test_paper_with_an_abandoned_socket_and_lock_file_is_no_engine(
        self, state_dir: Path
    ) -> None:
        with engine(state_dir, result()):
            pass  # it leaves both behind
        assert (state_dir / "control.sock").exists()
        ran = to_paper(state_dir)
        assert ran.code == 3
        assert f"no engine is running for {state_dir}" in ran.err
        assert "ever used" not in ran.err

    def test_paper_with_a_fence_by_hand_keeps_its_text_and_tells_by_its_time(
        self, state_dir: Path
    ) -> None:
        state_dir.mkdir(parents=True)
        fence = state_dir / "PAPER_ONLY"
        fence.write_text("by hand")
        os.utime(fence, ns=(1, 1))
        assert to_paper(state_dir).code == 3
        assert fence.read_text() == "by hand"
        # An engine that is just going live knows by the time that paper was asked for again.
        assert fence.stat().st_mtime_ns > 1

    def test_live_with_no_engine_is_refused_and_names_the_engine(self, state_dir: Path) -> None:
        ran = to_live(state_dir, "--confirm=main", "--json")
        told = json.loads(ran.out)
        assert ran.code == told["exit"] == 5
        assert told["failed"][0]["precondition"] == "engine"
        assert not state_dir.exists()

    def test_state_dir_of_the_environment_is_used(self, state_dir: Path) -> None:
        ran = run_in(state_dir)
        assert ran.code == 3
        assert (state_dir / "PAPER_ONLY").exists()

    def test_path_too_long_for_a_socket_still_fences(self, user_home: Path) -> None:
        deep = user_home / ("d" * 120)
        assert to_paper(deep).code == 3
        assert (deep / "PAPER_ONLY").exists()


class TestMistypedDirectory:
    def test_paper_where_no_engine_ever_ran_says_so_in_one_line_and_names_those_that_run(
        self, state_dir: Path, user_home: Path
    ) -> None:
        other = user_home / "elsewhere"
        with engine(state_dir, result()) as asked, engine(other, result()):
            (state_dir / "engine.lock").write_text("4711\n")
            ran = to_paper(user_home / "ss")
        (line,) = ran.err.splitlines()
        assert ran.code == 3
        assert line.startswith(f"no engine has ever used {user_home / 'ss'}; ")
        assert f"{state_dir} (pid 4711)" in line
        assert f"{other} (pid unknown)" in line
        assert "NOT switched" in line
        assert f"did you mean --state-dir {state_dir}?" in line
        assert asked == []
        # Whoever starts an engine there next asked for paper: it is fenced all the same.
        assert note(user_home / "ss")

    def test_paper_where_no_engine_ever_ran_says_so_in_json(
        self, state_dir: Path, user_home: Path
    ) -> None:
        with engine(state_dir, result()):
            (state_dir / "engine.lock").write_text("4711\n")
            told = json.loads(to_paper(user_home / "ss", "--json").out)
        assert (told["exit"], told["engine_ever_ran"]) == (3, False)
        assert {"state_dir": str(state_dir), "pid": 4711} in told["running_engines"]
        assert told["meant"] == str(state_dir)

    def test_paper_a_second_time_is_told_the_same(self, state_dir: Path) -> None:
        assert to_paper(state_dir).code == 3
        again = to_paper(state_dir)  # the fence file of the first is there by now
        assert again.err.startswith("no engine has ever used")

    def test_paper_where_the_engine_has_ended_names_those_that_run_too(
        self, state_dir: Path, user_home: Path
    ) -> None:
        with engine(user_home / "ended", result()):
            pass
        with engine(state_dir, result()):
            ran = to_paper(user_home / "ended")
        assert ran.err.startswith(f"no engine is running for {user_home / 'ended'}; ")
        assert str(state_dir) in ran.err

    def test_live_names_those_that_run(self, state_dir: Path, user_home: Path) -> None:
        with engine(state_dir, result()):
            ran = to_live(user_home / "ss", "--confirm=main")
        assert ran.code == 5
        assert f"did you mean --state-dir {state_dir}?" in ran.err
        assert not (user_home / "ss").exists()

    def test_help_says_that_the_directory_is_created(self) -> None:
        assert "created and fenced all the same" in " ".join(run("--help").out.split())


def test_paper_without_a_directory_and_two_engines_fences_both_and_claims_nothing(
    state_dir: Path,
) -> None:
    with engine(state_dir / "demo", result()), engine(state_dir / "second", result()):
        ran = run_in(state_dir)
    assert ran.code == 4
    assert "several engines run, none was named" in ran.err
    for name in ("demo", "second"):
        assert note(state_dir / name)
        assert f"run this again with --state-dir {state_dir / name}" in ran.err


class TestNoAnswer:
    def test_paper_with_an_engine_that_hangs_says_where_to_look(self, state_dir: Path) -> None:
        with engine(state_dir, silence):
            ran = to_paper(state_dir)
        assert ran.code == 4
        assert "did not answer within 0.5 s" in ran.err
        assert str(state_dir / "engine.lock") in ran.err
        assert "no live order leaves" in ran.err
        assert note(state_dir)

    def test_paper_with_an_engine_that_drips_ends_in_time(self, state_dir: Path) -> None:
        def drip(_: dict[str, Any]) -> bytes:
            return b'{"jsonrpc":"2.0","method":"event"}\n' * 10

        with engine(state_dir, drip):
            assert to_paper(state_dir).code == 4

    def test_paper_with_an_engine_without_a_socket_is_an_engine_that_cannot_be_asked(
        self, state_dir: Path
    ) -> None:
        with engine_lock(state_dir):
            ran = to_paper(state_dir)
        assert ran.code == 4
        assert "cannot be asked" in ran.err
        assert note(state_dir)


class TestRefused:
    def test_live_names_each_failed_precondition(self, state_dir: Path) -> None:
        with engine(state_dir, error(-32001, "live refused", {"failed": FAILED})):
            ran = to_live(state_dir, "--confirm=main")
        assert ran.code == 5
        assert ran.err.splitlines() == [
            "live refused:",
            "  - keys: there are none",
            "  - reconciliation: 1 order differs",
        ]

    def test_live_in_json_carries_them(self, state_dir: Path) -> None:
        with engine(state_dir, error(-32001, "live refused", {"failed": FAILED})):
            ran = to_live(state_dir, "--json")
        told = json.loads(ran.out)
        assert (told["exit"], told["failed"]) == (5, FAILED)


def test_paper_without_a_directory_and_engine_fences_all_that_engines_have_used(
    state_dir: Path,
) -> None:
    for name, used in (("demo", True), ("other", False)):
        (state_dir / name).mkdir(parents=True)
        if used:
            (state_dir / name / "engine.lock").touch()
    ran = run_in(state_dir)
    assert ran.code == 3
    assert (state_dir / "PAPER_ONLY").exists()
    assert (state_dir / "demo" / "PAPER_ONLY").exists()
    assert not (state_dir / "other" / "PAPER_ONLY").exists()
    assert str(state_dir / "demo") in ran.err


def run_in(state_dir: Path) -> Ran:
    """Run with the state directory in the environment, which ``-I`` would hide: without it."""
    done = subprocess.run(
        [sys.executable, "-S", str(SCRIPT), "--mode=paper"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "CRYPTOBOT_STATE_DIR": str(state_dir)},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def test_script_on_another_python_of_the_machine_works(state_dir: Path) -> None:
    other = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if other is None:
        not_here("no other python3 on this machine")
    version = subprocess.run(
        [other, "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
        check=True,
    )
    if version.stdout.strip() != "True":
        not_here("the machine's python3 is older than 3.11")
    done = subprocess.run(
        [other, str(SCRIPT), "--mode=paper", f"--state-dir={state_dir}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
