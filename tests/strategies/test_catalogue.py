from pathlib import Path

import pytest

from cryptobot.domain.errors import UserError
from cryptobot.strategies.catalogue import find_strategies

GOOD = """
from cryptobot.strategies.strategy import Strategy

class Mine(Strategy):
    name = "mine"
"""


def test_find_without_a_folder_has_the_built_in_ones() -> None:
    found, problems = find_strategies(None)
    assert set(found) >= {"moving_average_cross", "grid"}
    assert problems == ()


def test_find_with_a_folder_loads_every_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not python")
    found, problems = find_strategies(tmp_path)
    assert found["mine"].__name__ == "Mine"
    assert problems == ()


BROKEN = {
    "syntax": ("class Mine(", "SyntaxError"),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "imports": ("import no_such_module_at_all", "ModuleNotFoundError"),
    "empty": ("", "defines no subclass"),
    "nameless": (GOOD.replace('name = "mine"', "pass"), "class Mine has no name"),
    "taken": (GOOD.replace("mine", "grid"), "'grid' of"),
    "binary": ("\x00", ""),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_find_with_a_broken_file_reports_it_and_loads_the_others(tmp_path: Path, kind: str) -> None:
    text, said = BROKEN[kind]
    (tmp_path / "a_broken.py").write_text(text)
    (tmp_path / "b_good.py").write_text(GOOD)
    found, problems = find_strategies(tmp_path)
    assert {"mine", "grid", "moving_average_cross"} <= set(found)
    [problem] = problems
    assert str(tmp_path / "a_broken.py") in problem
    assert said in problem
    assert "\n" not in problem


def test_find_with_two_files_of_one_name_keeps_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "b.py").write_text(GOOD)
    found, problems = find_strategies(tmp_path)
    assert found["mine"].__module__.endswith("_a")
    assert "is already defined elsewhere" in problems[0]


def test_find_with_a_folder_that_is_missing_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"strategies\.folder: no such directory"):
        find_strategies(tmp_path / "missing")
