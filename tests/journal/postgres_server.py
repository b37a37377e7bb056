"""A private PostgreSQL cluster: Debian's own binaries, a temporary folder, a unix socket."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

_HOMES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def binaries() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, or ``None`` where there is none."""
    for folder in _HOMES:
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return None if found is None else Path(found).parent


class PostgresServer:
    """A real server on a socket of its own, durable as in production (fsync on)."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._home = home
        self._data = folder / "data"
        self._folder = folder
        self._made = 0

    @classmethod
    def create(cls, home: Path) -> Self:
        """Make and start a cluster."""
        folder = Path(tempfile.mkdtemp(prefix="cb-pg-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = cls(folder, home)
        server._run("initdb", "-D", server._data, "-U", "cb", "-A", "trust", "-E", "UTF8")
        server.start()
        return server

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c fsync=on"
        log = self._folder / "log"
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it: ``fast`` cuts connections, ``immediate`` is a crash."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", how, "stop")

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._made += 1
        name = f"journal{self._made}"
        self._run("createdb", "-h", self._folder, "-U", "cb", name)
        return f"postgresql://cb@/{name}?host={self._folder}"

    def remove(self) -> None:
        """Stop it and delete its files."""
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *args: object) -> None:
        command = [str(self._home / program), *map(str, args)]
        root = os.geteuid() == 0  # PostgreSQL refuses to run as root
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            user="postgres" if root else None,
            group="postgres" if root else None,
            extra_groups=[] if root else None,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
