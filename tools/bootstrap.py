"""Bring this checkout to the state a command needs, then become that command.

``bootstrap.py LEVEL [-- COMMAND...]``, started by ``bootstrap.sh``; standard library only.

=========  ====================  =====================================
level      Python packages       system packages
=========  ====================  =====================================
``run``    requirements/run.txt  what a window needs
``check``  requirements/dev.txt  none
``test``   requirements/dev.txt  a window's, displays and real servers
=========  ====================  =====================================
"""

import errno
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import bootstrap_system
from bootstrap_environment import Environment, SetupFailedError, say

ROOT: Final = Path(__file__).resolve().parent.parent

LEVELS: Final = {
    "run": ("run", bootstrap_system.WINDOW),
    "check": ("dev", ()),
    "test": ("dev", (*bootstrap_system.WINDOW, *bootstrap_system.TEST_TOOLS)),
}
"""By level: the kind of environment, and the system packages."""


def prepare(level: str) -> None:
    """Set up what ``level`` needs; quick when nothing is to do.

    Raises:
        SetupFailedError: With the one line for the user.
    """
    kind, packages = LEVELS[level]
    environment = Environment(ROOT)
    if not environment.is_current(kind):
        environment.bring_up_to_date(kind)
        say("Python packages are in place")
    if sys.platform == "linux":
        _prepare_system(level, bootstrap_system.missing(packages))


def _prepare_system(level: str, missing: list[str]) -> None:
    if not missing:
        return
    say(f"missing on this machine: {' '.join(missing)}")
    trouble = bootstrap_system.install(missing, ROOT / "build" / "set-up-apt.log")
    if trouble is None:
        say("system packages are in place")
        return
    say(trouble)
    without = {"run": "the window may not open", "test": "tests that need them will say so"}
    say(f"going on without them: {without[level]}")


def become(command: list[str]) -> NoReturn:
    """Replace this process by ``command``, so that signals reach it and no one else."""
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606 - the Makefile's command
    except OSError as error:
        raise SetupFailedError(f"cannot start {command[0]}: {error.strerror}") from None


def main(arguments: list[str]) -> int:
    """Return the exit code of the set-up, or become the command after it."""
    level, *rest = arguments or [""]
    if level not in LEVELS or rest[:1] not in ([], ["--"]):
        print("usage: bootstrap.sh run|check|test [-- COMMAND...]", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    try:
        prepare(level)
        if rest[1:]:
            become(rest[1:])
    except SetupFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        advice = "; free about 2 GB" if error.errno == errno.ENOSPC else ""
        print(f"error: set-up stopped: {error.strerror}{where}{advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: stopped; the next run goes on from here", file=sys.stderr)
        # Under make the same Ctrl-C ends make itself: a failure here would only add its noise.
        return 0 if "MAKELEVEL" in os.environ else 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
