import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry.logs.segments import Retention, SegmentedLog
from tests.telemetry.conftest import MovedClock

DAY = 86_400


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ops" / "logs"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_log_with_first_lines_stands_under_its_fixed_name(
    directory: Path, clock: MovedClock
) -> None:
    log = SegmentedLog(directory, "order_processor", Retention(), clock)
    assert log.write([b"one", b"two"]) == 0
    log.close()
    assert names(directory) == ["order_processor-2026-11-21.log", "order_processor.log"]
    assert (directory / "order_processor.log").read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE((directory / "order_processor-2026-11-21.log").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_log_with_a_new_day_starts_a_segment_and_moves_the_name(
    directory: Path, clock: MovedClock
) -> None:
    log = SegmentedLog(directory, "engine", Retention(), clock)
    log.write([b"yesterday"])
    clock.advance(DAY)
    log.write([b"today"])
    log.close()
    assert (directory / "engine.log").read_bytes() == b"today\n"
    assert (directory / "engine-2026-11-21.log").read_bytes() == b"yesterday\n"


def test_log_with_a_full_segment_goes_on_in_the_next_and_keeps_the_newest(
    directory: Path, clock: MovedClock
) -> None:
    log = SegmentedLog(directory, "engine", Retention(segment_bytes=10, segments=3), clock)
    for number in range(12):
        log.write([b"%09d" % number])
    log.close()
    assert names(directory) == [
        "engine-2026-11-21.10.log",
        "engine-2026-11-21.11.log",
        "engine-2026-11-21.9.log",
        "engine.log",
    ]
    assert (directory / "engine.log").read_bytes() == b"000000011\n"


def test_log_with_a_byte_limit_drops_the_oldest_but_never_the_newest(
    directory: Path, clock: MovedClock
) -> None:
    log = SegmentedLog(directory, "engine", Retention(segment_bytes=10, total_bytes=25), clock)
    for _ in range(6):
        log.write([b"x" * 9])
    log.write([b"y" * 99])
    log.close()
    sizes = [segment.path.stat().st_size for segment in log.segments()]
    assert sizes[-1] == 100
    assert sum(sizes[:-1]) <= 25


def test_log_after_a_restart_goes_on_in_the_same_segment(
    directory: Path, clock: MovedClock
) -> None:
    for line in (b"before", b"after"):
        log = SegmentedLog(directory, "engine", Retention(), clock)
        log.write([line])
        log.close()
    assert (directory / "engine-2026-11-21.log").read_bytes() == b"before\nafter\n"


def test_log_with_a_line_cut_by_a_kill_starts_on_a_line_of_its_own(
    directory: Path, clock: MovedClock
) -> None:
    directory.mkdir(parents=True)
    (directory / "engine-2026-11-21.log").write_bytes(b'{"half":')
    log = SegmentedLog(directory, "engine", Retention(), clock)
    log.write([b"whole"])
    log.close()
    assert (directory / "engine.log").read_bytes() == b'{"half":\nwhole\n'


def test_log_with_its_files_deleted_writes_on_under_the_same_names(
    directory: Path, clock: MovedClock
) -> None:
    log = SegmentedLog(directory, "engine", Retention(), clock)
    log.write([b"one"])
    (directory / "engine-2026-11-21.log").unlink()
    assert log.write([b"two"]) == 0
    assert (directory / "engine.log").read_bytes() == b"two\n"
    (directory / "engine.log").unlink()
    log.write([b"three"])
    log.close()
    assert (directory / "engine.log").read_bytes() == b"two\nthree\n"


def test_log_with_a_file_of_somebody_under_its_name_keeps_that_file(
    directory: Path, clock: MovedClock
) -> None:
    directory.mkdir(parents=True)
    (directory / "engine.log").write_text("old and dear")
    log = SegmentedLog(directory, "engine", Retention(), clock)
    log.write([b"new"])
    log.close()
    assert (directory / "engine.log").read_bytes() == b"new\n"
    (kept,) = directory.glob("engine.before-*.log")
    assert kept.read_text() == "old and dear"


def test_log_without_symbolic_links_uses_a_hard_link(
    directory: Path, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refused)
    log = SegmentedLog(directory, "engine", Retention(), clock)
    log.write([b"one"])
    clock.advance(DAY)
    log.write([b"two"])
    log.close()
    assert not (directory / "engine.log").is_symlink()
    assert (directory / "engine.log").samefile(directory / "engine-2026-11-22.log")
    assert names(directory) == ["engine-2026-11-21.log", "engine-2026-11-22.log", "engine.log"]


def test_log_with_a_directory_that_cannot_be_made_loses_and_recovers(
    tmp_path: Path, clock: MovedClock
) -> None:
    (tmp_path / "logs").write_text("a file stands where the directory should")
    log = SegmentedLog(tmp_path / "logs", "engine", Retention(), clock)
    assert log.write([b"one", b"two"]) == 2
    (tmp_path / "logs").unlink()
    assert log.write([b"three"]) == 0
    log.close()
    assert (tmp_path / "logs" / "engine.log").read_bytes() == b"three\n"


FULL_DISK = """
import resource, sys
from pathlib import Path
from telemetry.clock import SystemClock
from telemetry.logs.segments import Retention, SegmentedLog

log = SegmentedLog(Path(sys.argv[1]), "engine", Retention(), SystemClock())
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (25, hard))
print(log.write([b"0123456789"] * 5))
print(log.write([b"0123456789"]))
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(log.write([b"again"]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_log_on_a_full_disk_loses_whole_lines_only_and_recovers_by_itself(
    directory: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(directory)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout.split() == ["3", "1", "0"]
    assert (directory / "engine.log").read_bytes() == b"0123456789\n0123456789\nagain\n"
