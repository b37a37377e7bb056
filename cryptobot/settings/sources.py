"""Reading settings, strongest source first, remembering which source gave which value.

Sources: command line, ``CRYPTOBOT_*`` environment (nested with ``__``), runtime overrides
(``config/runtime_overrides.json``), ``config/production.env``, the profile
(``config/profiles/NAME.toml``), ``config/default.toml``.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cryptobot.control.locate import expanded, user_state_dir
from cryptobot.domain.errors import UserError
from cryptobot.settings.model import Settings
from cryptobot.settings.refusal import ALLOWED, explain, refusal, shown

ENV_PREFIX: Final = "CRYPTOBOT_"
ENV_ALIASES: Final = {
    "SENTRY_DSN": "sentry.dsn",
    "SENTRY_ENVIRONMENT": "sentry.environment",
    "SENTRY_RELEASE": "sentry.release",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "otel.exporter_otlp_endpoint",
}
"""Variables that keep their usual names."""
NOT_SETTINGS: Final = frozenset({"CRYPTOBOT_PROFILE"})
SECRETS: Final = frozenset(
    {"exchange.api_key", "exchange.secret", "exchange.password", "api.token"}
)
"""Settings that must not stand in a TOML file."""

Tree = dict[str, Any]


class SettingsError(UserError):
    """A setting is unknown, misplaced or has a bad value; the message names key and source."""


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    values: Tree


def config_dir() -> Path:
    """Return the checkout's ``config``, or the copy inside an installed package."""
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "config"
    return checkout if (checkout / "default.toml").is_file() else package / "_config"


def default_log_dir(state_dir: Path) -> Path:
    """Return ``ops/logs`` in a checkout, else ``logs`` in the state directory."""
    root = Path(__file__).resolve().parents[2]
    return root / "ops" / "logs" if (root / "pyproject.toml").is_file() else state_dir / "logs"


def load_settings(
    *,
    profile: str | None = None,
    cli: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """Return the settings, merged and checked.

    Args:
        profile: Name of ``profiles/NAME.toml``; ``CRYPTOBOT_PROFILE`` when ``None``.
        cli: Dotted keys given on the command line; ``None`` values are ignored.
        environ: The environment; ``os.environ`` when ``None``.
        directory: Where the files are; the checkout's ``config`` when ``None``.

    Raises:
        SettingsError: One line for each thing that is wrong.
    """
    try:
        return _load(
            profile,
            cli or {},
            os.environ if environ is None else environ,
            directory or config_dir(),
        )
    except RecursionError:
        raise SettingsError("settings are nested too deeply; mend the file or variable") from None


def _load(
    profile: str | None,
    cli: Mapping[str, object],
    environ: Mapping[str, str],
    directory: Path,
) -> Settings:
    sources = [
        _cli_source(cli),
        _environment_source(environ),
        _json_source(directory / "runtime_overrides.json"),
        _dotenv_source(directory / "production.env"),
        *_profile_source(directory, profile or environ.get("CRYPTOBOT_PROFILE")),
        _toml_source(directory / "default.toml"),
    ]
    merged: Tree = {}
    origin: dict[str, str] = {}
    for source in reversed(sources):
        _merge(merged, source, origin)
    state_dir = _folder(merged, origin, "state_dir") or user_state_dir().absolute()
    log_dir = _folder(merged, origin, "log_dir") or default_log_dir(state_dir)
    merged |= {"state_dir": state_dir, "log_dir": log_dir}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(explain(error, origin)) from None


def _folder(merged: Tree, origin: Mapping[str, str], key: str) -> Path | None:
    value = merged.get(key)
    if not isinstance(value, str | Path | None):
        problem = "is not a path"
    elif "\0" in str(value):
        problem = "holds a zero byte"
    else:
        return expanded(Path(value)).absolute() if value else None
    raise SettingsError(refusal(key, origin[key], shown(value), problem, ALLOWED[key]))


def _text(path: Path) -> str | None:
    """Return what a file holds, ``None`` if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None


def _cli_source(cli: Mapping[str, object]) -> _Source:
    return _Source("the command line", _nested({k: v for k, v in cli.items() if v is not None}))


def _environment_source(environ: Mapping[str, str]) -> _Source:
    return _Source("the environment", _nested(_from_variables(environ, strict=False)))


def _from_variables(variables: Mapping[str, str], *, strict: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in variables.items():
        if name in ENV_ALIASES:
            found[ENV_ALIASES[name]] = value
        elif name in NOT_SETTINGS:
            continue
        elif name.startswith(ENV_PREFIX):
            found[name.removeprefix(ENV_PREFIX).lower().replace("__", ".")] = value
        elif strict:
            raise SettingsError(
                f"config/production.env: unknown variable {name}; "
                f"use {ENV_PREFIX}SECTION__KEY or one of {', '.join(ENV_ALIASES)}"
            )
    return found


def _json_source(path: Path) -> _Source:
    text = _text(path)
    if text is None:
        return _Source(str(path), {})
    try:
        values = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path}: not valid JSON: {error}; mend or delete it") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold a JSON object; mend or delete it")
    return _Source(str(path), values)


def _dotenv_source(path: Path) -> _Source:
    content = _text(path)
    if content is None:
        return _Source(str(path), {})
    variables: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise SettingsError(f"{path}:{number}: not NAME=VALUE: {line!r}")
        variables[name.strip()] = value.strip().strip("\"'")
    return _Source(str(path), _nested(_from_variables(variables, strict=True)))


def _profile_source(directory: Path, profile: str | None) -> list[_Source]:
    if profile is None:
        return []
    path = directory / "profiles" / f"{profile}.toml"
    if not _is_file(path):
        known = sorted(file.stem for file in (directory / "profiles").glob("*.toml"))
        raise SettingsError(
            f"no profile {shown(profile)} in {directory / 'profiles'}; known: {', '.join(known)}"
        )
    return [_toml_source(path)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, a zero byte
        return False


def _toml_source(path: Path) -> _Source:
    text = _text(path)
    if text is None:
        return _Source(str(path), {})
    try:
        values = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and what int says of too many digits
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    for key in SECRETS:
        section, _, name = key.partition(".")
        table = values.get(section)
        if isinstance(table, dict) and name in table:
            variable = f"{ENV_PREFIX}{key.upper().replace('.', '__')}"
            raise SettingsError(
                f"{path}: {key} is a secret and must not stand in a file; "
                f"set {variable} or store it in the keyring"
            )
    return _Source(str(path), values)


def _nested(flat: Mapping[str, object]) -> Tree:
    tree: Tree = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        node = tree
        for section in sections:
            child = node.setdefault(section, {})
            if not isinstance(child, dict):
                raise SettingsError(f"{key}: {section} is both a value and a section")
            node = child
        node[name] = value
    return tree


def _merge(into: Tree, source: _Source, origin: dict[str, str]) -> None:
    """Lay ``source`` over ``into``; ``origin`` learns which source gave each dotted key."""

    def walk(node: Tree, values: Tree, prefix: str) -> None:
        for name, value in values.items():
            key = f"{prefix}{name}"
            origin[key] = source.name
            below = node.get(name)
            # Tables of amounts are whole values: merging them would add assets nobody asked for.
            if isinstance(value, dict) and isinstance(below, dict) and key != "paper.balances":
                walk(below, value, f"{key}.")
            elif isinstance(value, dict):
                node[name] = {}
                walk(node[name], value, f"{key}.")
            else:
                node[name] = value

    walk(into, source.values, "")
