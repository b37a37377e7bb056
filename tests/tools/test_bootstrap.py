"""Set-up as a user meets it: the real scripts in a copy of the checkout, short of the network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, with a space in its path."""
    root = tmp_path / "a checkout"
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "Makefile", root)
    return root


def bootstrap(
    root: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # Elsewhere on purpose: the script finds its own way.
    return subprocess.run(
        ["/bin/sh", str(root / "tools" / "bootstrap.sh"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, **(environ or {})},
    )


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def with_environment(root: Path, *, stamp: bool) -> None:
    """Give ``root`` an environment that looks complete; nothing is installed in it."""
    (root / ".venv" / "lib" / VERSION / "site-packages").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir()
    # A wrapper and not a link: pip is asked for as `python -m pip`, and this python has none.
    program(
        root / ".venv" / "bin",
        "python",
        f'[ "$1" = -m ] && {{ cat "$PIP_SAYS"; exit 1; }}\nexec "{sys.executable}" "$@"',
    )
    if stamp:
        script = (
            "import sys; sys.path.insert(0, 'tools'); from pathlib import Path; "
            "from bootstrap_environment import Environment; import json; "
            "e = Environment(Path.cwd()); "
            "e._stamp.write_text(json.dumps(e._wanted('run') | e._wanted('dev')))"
        )
        subprocess.run([sys.executable, "-c", script], check=True, cwd=root)


def test_bootstrap_with_a_current_stamp_becomes_the_command(checkout: Path) -> None:
    with_environment(checkout, stamp=True)
    show = program(checkout / "bin", "show", 'echo "in $PWD with $*"; exit 7')
    done = bootstrap(checkout, "check", "--", str(show), "a b", "c")
    assert done.stdout == f"in {checkout} with a b c\n"
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("changed", ["requirements/dev.txt", "pyproject.toml"])
def test_bootstrap_with_a_changed_file_installs_again(checkout: Path, changed: str) -> None:
    with_environment(checkout, stamp=True)
    with (checkout / changed).open("a") as file:
        file.write("# changed\n")
    says = checkout / "says"
    says.write_text("ERROR: something of pip's own\n")
    done = bootstrap(checkout, "check", environ={"PIP_SAYS": str(says)})
    assert done.returncode == 1
    assert "something of pip's own" in done.stderr


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Temporary failure in name resolution\nERROR: No matching distribution", "no network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "does not match its hash"),
        ("ERROR: odd", "ERROR: odd"),
    ],
)
def test_bootstrap_with_a_failing_pip_says_one_line(
    checkout: Path, says: str, expected: str
) -> None:
    with_environment(checkout, stamp=False)
    (checkout / "says").write_text(says + "\n")
    done = bootstrap(checkout, "check", environ={"PIP_SAYS": str(checkout / "says")})
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot install requirements/dev.txt: ")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (checkout / ".venv" / "set-up.json").exists()


def test_bootstrap_with_an_unsuitable_python_names_it(checkout: Path) -> None:
    old = program(
        checkout / "old pythons", "python3", '[ "$1" = --version ] && echo "Python 3.9.2"'
    )
    done = bootstrap(checkout, "run", environ={"PYTHON": str(old)})
    assert done.returncode == 1
    assert done.stderr.startswith("error: Python 3.11, 3.12 or 3.13 is needed")
    assert f"'{old}' is: Python 3.9.2." in done.stderr
    assert done.stderr.count("\n") == 1


def test_bootstrap_without_ensurepip_names_the_package(checkout: Path) -> None:
    """Debian's python3 without python3-venv, on a machine where the user may not install."""
    bare = program(
        checkout / "bare",
        "python3",
        'case "$*" in *ensurepip*) exit 1;; esac\nexec "' + sys.executable + '" "$@"',
    )
    script = (
        "import bootstrap_system, sys, bootstrap_environment as b; from pathlib import Path; "
        "bootstrap_system.privilege = lambda: None; "
        f"sys._base_executable = {str(bare)!r}\n"
        "try: b.Environment(Path.cwd()).bring_up_to_date('run')\n"
        "except b.SetupFailedError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": "tools"},
    )
    assert "(no ensurepip)" in done.stdout
    assert f"{VERSION}-venv" in done.stdout.splitlines()[-1]


def test_bootstrap_with_a_moved_checkout_makes_the_environment_anew(checkout: Path) -> None:
    with_environment(checkout, stamp=True)
    stamp = checkout / ".venv" / "set-up.json"
    assert json.loads(stamp.read_text())["root"] == str(checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    no_index = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}
    done = bootstrap(moved, "check", environ=no_index)
    assert "creating .venv" in done.stdout
    assert not (moved / ".venv" / "set-up.json").exists()
    assert "the package index has no file" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", "no-dashes"]])
def test_bootstrap_with_wrong_usage_exits_2(checkout: Path, arguments: list[str]) -> None:
    done = bootstrap(checkout, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


def test_bootstrap_with_a_command_by_its_name_finds_it_on_the_path(checkout: Path) -> None:
    with_environment(checkout, stamp=True)
    done = bootstrap(checkout, "check", "--", "nice", "-n", "1", "echo", "found")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("found\n")


def test_bootstrap_with_a_missing_command_says_so(checkout: Path) -> None:
    with_environment(checkout, stamp=True)
    done = bootstrap(checkout, "check", "--", ".venv/bin/absent")
    assert done.returncode == 1
    assert done.stderr == "error: cannot start .venv/bin/absent: No such file or directory\n"
