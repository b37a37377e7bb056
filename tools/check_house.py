"""Check the rules of the house that no linter knows: locks, file sizes, names.

Each finding is one line: where, what, what to do. Exit code 1 when there are any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ROOMS: Final = ("cryptobot", "telemetry", "ops", "tools", "tests")
MAX_LINES: Final = 500

VAGUE_NAMES: Final = frozenset(
    {"common", "helper", "helpers", "manager", "misc", "util", "utilities", "utils"}
)
PIN: Final = re.compile(r"^[a-z0-9][a-z0-9.-]*==[^ ;\\]+")
HASH: Final = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def locks(root: Path) -> Iterator[str]:
    """Yield a finding for each lock line that names a host or pins nothing by hash."""
    for lock in sorted((root / "requirements").glob("*.txt")):
        name = lock.relative_to(root)
        for number, raw in enumerate(lock.read_text().splitlines(), 1):
            line = raw.strip().removesuffix("\\").strip()
            where = f"{name}:{number}"
            if "://" in line or line.startswith(("--index", "--extra-index", "--find-links")):
                yield f"{where}: names a package host; make the lock with `make lock`"
            elif line and not line.startswith("#") and not (PIN.match(line) or HASH.match(line)):
                yield f"{where}: neither a pinned version nor a hash; make it with `make lock`"


def sizes(root: Path) -> Iterator[str]:
    """Yield a finding for each Python file that is longer than ``MAX_LINES``."""
    for path in _sources(root):
        lines = path.read_bytes().count(b"\n")
        if lines > MAX_LINES:
            yield f"{path.relative_to(root)}: {lines} lines, at most {MAX_LINES}; split it by topic"


def names(root: Path) -> Iterator[str]:
    """Yield a finding for each module or package whose name says nothing."""
    for path in _sources(root):
        name = path.parent.name if path.name == "__init__.py" else path.stem
        vague = VAGUE_NAMES.intersection(name.split("_"))
        if vague:
            yield f"{path.relative_to(root)}: '{min(vague)}' says nothing; name what it is about"


def _sources(root: Path) -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((root / room).rglob("*.py"))


def findings(root: Path) -> list[str]:
    """Return every finding below ``root``."""
    return [finding for rule in (locks, sizes, names) for finding in rule(root)]


def main() -> int:
    """Print the findings and return the exit code."""
    found = findings(ROOT)
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print("house rules: locks, file sizes and names are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
