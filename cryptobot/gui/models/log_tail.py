"""The tail of the log: bounded, filtered here."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from cryptobot.gui import figures
from cryptobot.gui.log_record import LogRecord
from cryptobot.gui.models.columns import Column
from cryptobot.gui.tokens import Tokens

BOUND: Final = 10_000
"""Records kept; the oldest go first."""

_ROOT = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


def _level_ink(record: LogRecord, t: Tokens) -> str | None:
    return (t.faint, t.muted, t.warn, t.bad, t.bad)[record.severity]


LOG_COLUMNS: tuple[Column[LogRecord], ...] = (
    Column(
        "Time",
        lambda r: figures.clock_ms(r.at),
        "00:00:00.000",
        figures=True,
        ink=lambda _r, t: t.muted,
    ),
    Column("Level", lambda r: r.level.upper(), "CRITICAL 88", ink=_level_ink),
    Column("Logger", lambda r: r.logger, "trading.gateway", ink=lambda _r, t: t.muted),
    Column("Event", lambda r: r.event, "order_partially_filled_here"),
    Column("Fields", lambda r: r.fields, "", ink=lambda _r, t: t.muted, stretch=True),
)


class LogTail(QAbstractTableModel):
    """The newest ``BOUND`` records, of which those that pass the filter are shown."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: deque[LogRecord] = deque(maxlen=BOUND)
        self._shown: deque[LogRecord] = deque()
        self._severity = 0
        self._words = ""

    def append(self, records: Iterable[LogRecord]) -> None:
        """Add records, oldest first; the oldest kept go when there are too many."""
        new = list(records)
        self._forget(max(0, len(self._all) + len(new) - BOUND))
        self._all.extend(new)
        passing = [record for record in new[-BOUND:] if self._passes(record)]
        if passing:
            first = len(self._shown)
            self.beginInsertRows(_ROOT, first, first + len(passing) - 1)
            self._shown.extend(passing)
            self.endInsertRows()

    def show_only(self, severity: int, words: str) -> None:
        """Show records of at least ``severity`` (an index in ``LEVELS``) that contain ``words``."""
        self._severity, self._words = severity, words.strip().lower()
        self.beginResetModel()
        self._shown = deque(record for record in self._all if self._passes(record))
        self.endResetModel()

    def record_at(self, row: int) -> LogRecord:
        """Return the record shown in ``row``."""
        return self._shown[row]

    @property
    def total(self) -> int:
        """Records kept, shown or not."""
        return len(self._all)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of records shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(LOG_COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        record = self._shown[index.row()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{figures.utc(record.at)}\n{record.event}\n{record.fields}".strip()
        return LOG_COLUMNS[index.column()].data(record, role)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a column's title."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return LOG_COLUMNS[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LOG_COLUMNS[section].alignment
        return None

    def _passes(self, record: LogRecord) -> bool:
        if record.severity < self._severity:
            return False
        if not self._words:
            return True
        return self._words in f"{record.event} {record.logger} {record.fields}".lower()

    def _forget(self, number: int) -> None:
        if number <= 0:
            return
        gone = {id(record) for record in islice(self._all, number)}
        shown = 0
        for record in self._shown:
            if id(record) not in gone:
                break
            shown += 1
        if shown:
            self.beginRemoveRows(_ROOT, 0, shown - 1)
            for _ in range(shown):
                self._shown.popleft()
            self.endRemoveRows()
        for _ in range(min(number, len(self._all))):
            self._all.popleft()
