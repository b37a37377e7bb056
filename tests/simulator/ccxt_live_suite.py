"""ccxt's own live suite, made to run from the installed package against a local simulator."""

import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ccxt

_GIVEN_PORT = "127.0.0.1:18080"
_DONE, _FAILED = "TESTING DONE", ("[TEST_FAILURE]", "AssertionError", "Traceback")


@dataclass(frozen=True)
class Outcome:
    """What one run said.

    Attributes:
        done: How often each method was tested to its end.
        failures: Lines that tell of a failure.
    """

    done: Counter[str]
    failures: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Suite:
    """A copy of the package outside ``site-packages``, where the suite agrees to run."""

    package: Path
    home: Path

    async def run(self, arguments: Sequence[str]) -> Outcome:
        """Run it once with its own arguments."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "tests_init.py",
            "binance",
            "BTC/USDT",
            *arguments,
            cwd=self.package / "ccxt" / "test",
            env={**os.environ, "PYTHONPATH": str(self.package)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return outcome(said.decode(errors="replace"))


def prepare(given: Path, home: Path, port: int) -> Suite:
    """Copy the installed package and the suite's settings, pointed at ``port``.

    Args:
        given: The folder with ``keys.local.json`` and ``skip-tests.json``.
        home: An empty folder.
        port: The simulator's plain port.
    """
    package = home / "python"
    installed = Path(ccxt.__file__).parent
    # With its compiled files: most of a run would else go into compiling all exchanges.
    shutil.copytree(installed, package / "ccxt")
    keys = (given / "keys.local.json").read_text().replace(_GIVEN_PORT, f"127.0.0.1:{port}")
    assert json.loads(keys)["binance"]["apiKey"] == "testkey"
    (home / "keys.local.json").write_text(keys)
    shutil.copy(given / "skip-tests.json", home / "skip-tests.json")
    return Suite(package, home)


def outcome(text: str) -> Outcome:
    """Read what a run said: the suite's exit status says nothing."""
    lines = text.splitlines()
    done = Counter(line.split()[4] for line in lines if _DONE in line)
    failures = tuple(line for line in lines if any(word in line for word in _FAILED))
    return Outcome(done, failures, text)
