"""A display of its own for windows, where the machine has Xvfb; else Qt draws into memory."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bench.processes import environment, running
from bench.result import Bench


@contextmanager
def display(bench: Bench) -> Iterator[dict[str, str]]:
    """Give the environment variables of a display."""
    if shutil.which("Xvfb") is None:
        bench.say("no Xvfb here: windows are drawn into memory (QT_QPA_PLATFORM=offscreen)")
        yield {"QT_QPA_PLATFORM": "offscreen"}
        return
    errors = bench.work_dir / "xvfb.err"
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    with running(command, errors, environment()) as process:
        assert process.stdout is not None  # noqa: S101 - running() pipes it
        number = process.stdout.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start: {errors.read_text()[-500:]}")
        yield {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
