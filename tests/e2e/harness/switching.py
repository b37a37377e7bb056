"""``ops/mode_switch.py`` run as on-call runs it, and what it took."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.harness.program import ROOT, clean_environment

SCRIPT = ROOT / "ops" / "mode_switch.py"


@dataclass(frozen=True, slots=True)
class SwitchRun:
    """One run of the script.

    Attributes:
        began_ns: Monotonic, before it was started.
        ended_ns: Monotonic, when it had exited.
        answer: What ``--json`` printed.
    """

    exit_code: int
    began_ns: int
    ended_ns: int
    answer: dict[str, Any]
    stderr: str

    @property
    def wall_ms(self) -> float:
        """Wall time in milliseconds."""
        return (self.ended_ns - self.began_ns) / 1e6


def mode_switch(state_dir: Path, mode: str, *arguments: str) -> SwitchRun:
    """Run the script with the machine's bare ``python3``."""
    command = ["python3", str(SCRIPT), f"--mode={mode}", "--state-dir", str(state_dir), "--json"]
    began = time.monotonic_ns()
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment({"PATH": _without_venv()}),
    )
    ended = time.monotonic_ns()
    answer = json.loads(done.stdout) if done.stdout else {}
    return SwitchRun(done.returncode, began, ended, answer, done.stderr)


def bare_python_ms() -> float:
    """Return the wall time of ``python3`` doing nothing: what no script can be faster than."""
    began = time.monotonic_ns()
    subprocess.run(
        ["python3", "-c", "pass"], check=True, env=clean_environment({"PATH": _without_venv()})
    )
    return (time.monotonic_ns() - began) / 1e6


def _without_venv() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        part for part in folders if not (Path(part).parent / "pyvenv.cfg").exists()
    )
