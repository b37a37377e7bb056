"""The commands people and machines rely on agree with each other."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("run", "test", "check", "bench", "soak", "setup", "lock", "clean", "help")


def test_make_without_a_target_lists_every_target() -> None:
    done = subprocess.run(["make"], check=True, capture_output=True, text=True, cwd=ROOT)
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert sorted(listed) == sorted(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_make_with_each_target_has_a_recipe(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ci_run_calls_the_checks_and_then_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = re.findall(r"^make .*$", script.read_text(), flags=re.MULTILINE)
    assert commands == ["make check", "make test"]


def test_locks_agree_on_every_version() -> None:
    pins = []
    for name in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text()
        pins.append(set(re.findall(r"^([a-z0-9.-]+==[^\\]+?) *\\?$", text, flags=re.MULTILINE)))
    run, dev = pins
    assert run
    assert run <= dev
