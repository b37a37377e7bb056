import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DSN = "https://0123456789abcdef@sentry.example/42"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the program needs, with a space in its path."""
    root = tmp_path / "a checkout"
    for name in ("tools", "cryptobot/control"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cryptobot" / "__init__.py", root / "cryptobot")
    (root / "config").mkdir()
    return root


def sync(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = root / "tools" / "check_runtime_dependencies.py"
    # -S: a bare Python that has none of our packages.
    return subprocess.run(
        [sys.executable, "-S", str(program), "--sync-sentry", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )


def write_env(root: Path, text: str) -> None:
    (root / "config" / "production.env").write_text(text)


def overrides(root: Path) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((root / "config" / "runtime_overrides.json").read_text())
    return loaded


def test_sync_with_the_documented_file_writes_dsn_environment_and_revision(checkout: Path) -> None:
    for command in (
        ["init", "-q"],
        ["-c", "user.name=T", "-c", "user.email=t@example", "commit", "-qm", "x", "--allow-empty"],
    ):
        subprocess.run(["git", "-C", str(checkout), *command], check=True)
    revision = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    write_env(
        checkout,
        f"# comment\nSENTRY_DSN={DSN}\nexport SENTRY_ENVIRONMENT='production'  # x\n"
        "SENTRY_RELEASE=$(git rev-parse --short HEAD)\nOTHER=$(touch /tmp/never)\n",
    )

    done = sync(checkout)

    assert (done.returncode, done.stderr) == (0, "")
    assert overrides(checkout) == {
        "sentry": {"dsn": DSN, "environment": "production", "release": revision}
    }
    assert "0123456789abcdef" not in done.stdout
    assert "sentry.example" in done.stdout


def test_sync_with_other_overrides_keeps_them_and_drops_a_stale_release(checkout: Path) -> None:
    write_env(checkout, f'SENTRY_DSN="{DSN}"\n')
    target = checkout / "config" / "runtime_overrides.json"
    target.write_text(
        json.dumps({"log_level": "debug", "sentry": {"release": "old", "sample_rate": 1}})
    )
    target.chmod(0o644)

    assert sync(checkout).returncode == 0

    assert overrides(checkout) == {"log_level": "debug", "sentry": {"dsn": DSN, "sample_rate": 1}}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(path.name for path in target.parent.iterdir()) == [
        "production.env",
        "runtime_overrides.json",
    ]


def test_sync_with_json_hides_the_key(checkout: Path) -> None:
    write_env(checkout, f"SENTRY_DSN={DSN}\n")
    done = sync(checkout, "--json")
    assert json.loads(done.stdout) == {"sentry": {"dsn": "(key hidden) sentry.example"}}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (None, "is missing; copy config/production.env.example"),
        ("SENTRY_ENVIRONMENT=x\n", "SENTRY_DSN is not set"),
        ("SENTRY_DSN=\n", "SENTRY_DSN is not set"),
        ("SENTRY_DSN=not-a-dsn\n", "not of the form"),
        ("SENTRY_DSN=https://sentry.example/42\n", "not of the form"),
        ("SENTRY_DSN=https://k@sentry.example:x/42\n", "not of the form"),
        (f"SENTRY_DSN={DSN}\nSENTRY_RELEASE=$(touch made)\n", "production.env:2: shell"),
        (f"SENTRY_DSN={DSN}\nSENTRY_RELEASE=`touch made`\n", "production.env:2: shell"),
        (f'SENTRY_DSN={DSN}\nSENTRY_RELEASE="v1\n', "production.env:2: the quote"),
        (
            f"SENTRY_DSN={DSN}\nSENTRY_RELEASE=$(git rev-parse --short HEAD)$(touch made)\n",
            "production.env:2: ",
        ),
    ],
)
def test_sync_with_bad_input_says_one_line_and_writes_nothing(
    checkout: Path, env: str | None, expected: str
) -> None:
    if env is not None:
        write_env(checkout, env)

    done = sync(checkout)

    assert done.returncode == 1
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (checkout / "config" / "runtime_overrides.json").exists()
    assert not list(checkout.rglob("made"))


@pytest.mark.parametrize("existing", ["{", "[]", '{"sentry": 1}'])
def test_sync_with_broken_overrides_leaves_them_alone(checkout: Path, existing: str) -> None:
    write_env(checkout, f"SENTRY_DSN={DSN}\n")
    target = checkout / "config" / "runtime_overrides.json"
    target.write_text(existing)

    done = sync(checkout)

    assert done.returncode == 1
    assert "mend or remove it" in done.stderr
    assert target.read_text() == existing
