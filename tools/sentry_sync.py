"""Copy the Sentry settings of config/production.env to config/runtime_overrides.json.

The file is read, never run: a shell substitution in it is text. The one that the documentation
suggests, ``$(git rev-parse --short HEAD)``, is recognised literally and replaced by this
checkout's revision; any other is refused.
"""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

KEYS: Final = {
    "SENTRY_DSN": "dsn",
    "SENTRY_ENVIRONMENT": "environment",
    "SENTRY_RELEASE": "release",
}
"""Variable in production.env, and its key below ``sentry`` in runtime_overrides.json."""

REVISION: Final = re.compile(r"\$\(\s*git rev-parse --short HEAD\s*\)")
ASSIGNMENT: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")


class SyncFailedError(Exception):
    """Nothing was written; the message is the one line for the user."""


def sync(root: Path) -> dict[str, str]:
    """Write the settings and return what was written, by key; the DSN is in it, do not print it.

    Raises:
        SyncFailedError: A file is missing, unreadable or says something that is not accepted.
    """
    source = root / "config" / "production.env"
    settings = {KEYS[name]: value for name, value in _read(source, root).items() if value}
    _check_dsn(settings.get("dsn", ""), source)
    target = root / "config" / "runtime_overrides.json"
    overrides = _overrides(target)
    section = overrides.get("sentry", {})
    if not isinstance(section, dict):
        raise SyncFailedError(f"{target}: 'sentry' is not an object; mend or remove it")
    others = {key: value for key, value in section.items() if key not in KEYS.values()}
    _write(target, overrides | {"sentry": others | settings})
    return settings


def host(dsn: str) -> str:
    """Return the part of a DSN that is no secret."""
    return urlsplit(dsn).hostname or "?"


def _read(source: Path, root: Path) -> dict[str, str]:
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        example = source.with_name("production.env.example").name
        raise SyncFailedError(
            f"{source} is missing; copy config/{example} there and fill in SENTRY_DSN"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SyncFailedError(f"cannot read {source}: {error}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        match = ASSIGNMENT.fullmatch(line.strip())
        if match and match[1] in KEYS:
            found[match[1]] = _value(match[2].strip(), f"{source}:{number}", root)
    return found


def _value(raw: str, where: str, root: Path) -> str:
    quote = raw[:1]
    if quote in {'"', "'"}:
        value, closed, _ = raw[1:].partition(quote)
        if not closed:
            raise SyncFailedError(f"{where}: the quote is not closed")
    else:
        value = re.split(r"\s#", f" {raw}", maxsplit=1)[0].strip()
    if REVISION.search(value):
        value = REVISION.sub(_revision(where, root), value)
    if "$(" in value or "`" in value:
        raise SyncFailedError(
            f"{where}: shell substitutions are not run; only $(git rev-parse --short HEAD) is known"
        )
    return value


def _revision(where: str, root: Path) -> str:
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--short", "HEAD"],  # noqa: S607 - the user's git
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        raise SyncFailedError(
            f"{where}: no git revision to be had in {root}; write the release out"
        ) from None
    return asked.stdout.strip()


def _check_dsn(dsn: str, source: Path) -> None:
    if not dsn:
        raise SyncFailedError(f"{source}: SENTRY_DSN is not set; take it from the Sentry project")
    try:
        parts = urlsplit(dsn)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    project = parts.path.rpartition("/")[2]
    if not (
        parts.scheme in {"http", "https"}
        and parts.username
        and parts.hostname
        and project.isdigit()
    ):
        # The value stays out of the message: it may be a good key with a typing error beside it.
        raise SyncFailedError(
            f"{source}: SENTRY_DSN is not of the form https://KEY@HOST/PROJECT_NUMBER"
        )


def _overrides(target: Path) -> dict[str, object]:
    try:
        overrides = json.loads(target.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SyncFailedError(f"cannot read {target}: {error}; mend or remove it") from None
    if not isinstance(overrides, dict):
        raise SyncFailedError(f"{target}: not a JSON object; mend or remove it")
    return overrides


def _write(target: Path, overrides: dict[str, object]) -> None:
    """Replace ``target`` in one step, readable by its owner only, so that no reader sees half."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".overrides-", suffix=".json")
    except OSError as error:
        raise SyncFailedError(f"cannot write in {target.parent}: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(overrides, file, indent=2, sort_keys=True, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SyncFailedError(f"cannot write {target}: {error.strerror}") from None
