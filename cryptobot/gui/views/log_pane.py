"""The log pane: follows the newest record until the reader scrolls up."""

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from cryptobot.gui.log_record import LEVELS, LogRecord
from cryptobot.gui.models.log_tail import LOG_COLUMNS, LogTail
from cryptobot.gui.views.choice_box import ChoiceBox
from cryptobot.gui.views.data_table import DataTable

_EMPTY = "Nothing logged yet. Records of the engine and of this window appear here."


class LogPane(QWidget):
    """Level and text filter, the records, and a way back to the newest."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = LogTail(self)
        self.level = ChoiceBox()
        self.level.setAccessibleName("Lowest level shown")
        for name in LEVELS:
            self.level.addItem(
                name.capitalize() if name == LEVELS[-1] else f"{name.capitalize()} and above"
            )
        self.level.setCurrentIndex(LEVELS.index("info"))
        self.search = QLineEdit(placeholderText="Filter: event, logger, field=value")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter log")
        self.newest = QPushButton("Jump to &newest")
        self.newest.setProperty("role", "link")
        self.newest.clicked.connect(self.follow)
        self.newest.hide()
        self._following = True
        self._missed = 0
        self.table = DataTable(self.model, LOG_COLUMNS, "Log", _EMPTY)
        self.table.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.table.verticalScrollBar().rangeChanged.connect(self._range_changed)
        self.level.currentIndexChanged.connect(self._refilter)
        self.search.textChanged.connect(self._refilter)
        self._lay_out()
        self._refilter()

    @property
    def following(self) -> bool:
        """Whether the newest record is kept in sight."""
        return self._following

    def append(self, records: Iterable[LogRecord]) -> None:
        """Add records, oldest first."""
        before = self.model.rowCount()
        self.model.append(records)
        if not self._following:
            self._missed += max(0, self.model.rowCount() - before)
            self._say_missed()

    def follow(self) -> None:
        """Go to the newest record and stay there."""
        self._following, self._missed = True, 0
        self.newest.hide()
        self.table.scrollToBottom()

    def _scrolled(self, value: int) -> None:
        at_end = value >= self.table.verticalScrollBar().maximum()
        if at_end and not self._following:
            self.follow()
        elif not at_end and self._following:
            self._following = False
            self._say_missed()

    def _range_changed(self) -> None:
        if self._following:
            self.table.scrollToBottom()

    def _say_missed(self) -> None:
        new = f"{self._missed:,} new. " if self._missed else ""
        self.newest.setText(f"Paused. {new}Jump to &newest")
        self.newest.show()

    def _refilter(self) -> None:
        self.model.show_only(self.level.currentIndex(), self.search.text())
        self.table.hint = "No record passes the filter." if self.model.total else _EMPTY
        self.follow()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 5, 8, 5)
        bar.setSpacing(8)
        bar.addWidget(self.level)
        bar.addWidget(self.search, 1)
        bar.addStretch()
        bar.addWidget(self.newest)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.table)
