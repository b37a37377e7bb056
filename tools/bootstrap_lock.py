"""Write requirements/run.txt and requirements/dev.txt from pyproject.toml, with hashes.

One lock serves every supported Python and platform. Versions already locked stay unless
``--upgrade`` is given. The resolver is uv, used nowhere else; it is installed when missing.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
OLDEST_PYTHON: Final = "3.11"

GROUPS: Final = {
    "run.txt": ("--group", "build"),
    # The run-time lock binds the other one, so that a test never sees other versions.
    "dev.txt": ("--group", "build", "--group", "dev", "-c", "requirements/run.txt"),
}


def _uv() -> Path:
    uv = Path(sys.executable).parent / "uv"
    if not uv.exists():
        print("lock: installing uv", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    return uv


def relock(*, upgrade: bool) -> int:
    """Write both locks and return the exit code of the first resolver that failed, or 0."""
    for name, arguments in GROUPS.items():
        print(f"lock: resolving requirements/{name}", flush=True)
        command = [str(_uv()), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
        command += ["--no-header", "--no-emit-index-url", "--python-version", OLDEST_PYTHON]
        command += ["--upgrade"] if upgrade else []
        command += [*arguments, "pyproject.toml", "--output-file", f"requirements/{name}"]
        done = subprocess.run(command, check=False, cwd=ROOT)
        if done.returncode != 0:
            return done.returncode
    return 0


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="make lock", description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest allowed versions")
    return relock(upgrade=parser.parse_args().upgrade)


if __name__ == "__main__":
    sys.exit(main())
