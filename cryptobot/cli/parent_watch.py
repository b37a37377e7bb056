"""Runs a program of ours as a child that ends in order when its parent is gone, however it went.

``python -m cryptobot.cli.parent_watch FD MODULE ARGUMENT...`` runs ``python -m MODULE ARGUMENT...``
and reads from the inherited descriptor ``FD``: the reading end of a pipe that nobody writes to. Its
end of file means that every process that held the other end is gone, also by ``kill -9``.
"""

import os
import runpy
import signal
import sys
import threading
from typing import Final

PATIENCE_S: Final = 8.0
"""How long the program may take to end after SIGTERM; all of ours end within five seconds."""


def main(descriptor: int, module: str, arguments: list[str]) -> None:
    """Run ``module`` until it ends, or the parent does."""
    threading.Thread(target=_watch, args=(descriptor,), name="parent-watch", daemon=True).start()
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.stdout.flush()
    except BrokenPipeError:
        # The parent went while the program was telling it that it is ready. Nobody reads on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
