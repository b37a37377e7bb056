"""Which strategies there are: the built-in ones, installed ones, and the user's folder."""

import importlib.util
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from cryptobot.domain.errors import UserError
from cryptobot.strategies.grid import Grid
from cryptobot.strategies.moving_average_cross import MovingAverageCross
from cryptobot.strategies.strategy import Strategy

BUILT_IN: Final[tuple[type[Strategy], ...]] = (MovingAverageCross, Grid)
ENTRY_POINT_GROUP: Final = "cryptobot.strategies"


def find_strategies(folder: Path | None) -> tuple[Mapping[str, type[Strategy]], tuple[str, ...]]:
    """Return the strategies by name, and one line for each file or entry point that failed.

    A broken file takes nothing else down: it is reported and left out.

    Args:
        folder: The user's own; every ``*.py`` in it is loaded.

    Raises:
        UserError: The folder does not exist.
    """
    found: dict[str, type[Strategy]] = {kind.name: kind for kind in BUILT_IN}
    problems: list[str] = []
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            _add(found, entry.load(), f"entry point {entry.name}")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - users' code may raise anything
            problems.append(f"strategy entry point {entry.name}: {_line(error)}")
    if folder is not None:
        if not folder.is_dir():
            raise UserError(f"strategies.folder: no such directory: {folder}")
        for path in sorted(folder.glob("*.py")):
            try:
                for kind in _load(path):
                    _add(found, kind, str(path))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
                problems.append(f"strategy file {path}: {_line(error)}")
    return found, tuple(problems)


def _load(path: Path) -> list[type[Strategy]]:
    spec = importlib.util.spec_from_file_location(f"cryptobot_user_strategy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError("cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value is not Strategy
        and value.__module__ == module.__name__
    ]
    if not kinds:
        raise UserError("defines no subclass of cryptobot.strategies.strategy.Strategy")
    return kinds


def _add(found: dict[str, type[Strategy]], kind: object, source: str) -> None:
    if not isinstance(kind, type) or not issubclass(kind, Strategy):
        raise UserError("is not a subclass of Strategy")
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or not name:
        raise UserError(f"class {kind.__name__} has no name")
    if name in found:
        raise UserError(f"strategy {name!r} of {source} is already defined elsewhere")
    found[name] = kind


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
