"""The health panel: every check with its verdict, and what is behind the chosen one."""

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtWidgets import QPushButton, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from cryptobot.domain.mode import Mode
from cryptobot.gui import figures
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.health_checks import Check, Subject, Tone, checks, unresolved_of
from cryptobot.gui.models.rows import RowsModel
from cryptobot.gui.order_path import DeadLetter, ReconciliationReport
from cryptobot.gui.reported import ReportedOrder
from cryptobot.gui.state import EngineState, Link
from cryptobot.gui.views.chips import StateChip
from cryptobot.gui.views.data_table import DataTable
from cryptobot.gui.views.health_page import tone_ink
from cryptobot.gui.views.health_pages import CHECK_COLUMNS, CHIP, check_tip, make_pages

_HEADLINES = {
    Subject.BREAKERS: "An open breaker refuses calls at once, cancels excepted. When its time is "
    "over, a few probes decide.",
    Subject.UNRESOLVED: "Sent, and no answer that proves what became of it. Each is looked up at "
    "the exchange until there is evidence; settle one yourself only if you know more.",
    Subject.LETTERS: "Given up on after every try. Nothing more happens until a person retries or "
    "discards.",
    Subject.ENGINE: "The parts of the engine, as /health/detailed tells them.",
}

_PAPER = "Going live also reconciles afresh and asks for the account's name."
_LIVE = "Live already. On paper this lists what must be put right first."


class HealthView(QWidget):
    """The checks at the left, the chosen one at the right.

    Signals:
        settle: An order whose outcome a person wants to settle.
        retry, discard: A dead letter.
    """

    settle = Signal(ReportedOrder)
    retry = Signal(DeadLetter)
    discard = Signal(DeadLetter)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = RowsModel(CHECK_COLUMNS, check_tip, self)
        self.table = DataTable(
            self.model, CHECK_COLUMNS, "Checks", "", drop_to_fit=True, last_takes_rest=True
        )
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        self.table.setItemDelegateForColumn(
            CHIP, StateChip(self.table, lambda check, t: tone_ink(check.tone, t))
        )
        self.settle_button = QPushButton("Settl&e...")
        self.retry_button = QPushButton("Retr&y...")
        self.discard_button = QPushButton("&Discard...")
        self.pages = make_pages(
            {
                Subject.UNRESOLVED: (self.settle_button,),
                Subject.LETTERS: (self.retry_button, self.discard_button),
            }
        )
        self._stack = QStackedWidget()
        for page in self.pages.values():
            self._stack.addWidget(page)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.addWidget(self.table)
        split.addWidget(self._stack)
        split.setStretchFactor(0, 4)
        split.setStretchFactor(1, 5)
        split.setSizes([400, 500])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(split)
        self.table.selectionModel().selectionChanged.connect(self._turn)
        for button, subject, wanted in (
            (self.settle_button, Subject.UNRESOLVED, self.settle),
            (self.retry_button, Subject.LETTERS, self.retry),
            (self.discard_button, Subject.LETTERS, self.discard),
        ):
            page = self.pages[subject]
            button.clicked.connect(
                lambda _=False, page=page, wanted=wanted: wanted.emit(page.chosen())
            )

    @property
    def subject(self) -> Subject:
        """What is shown at the right."""
        return list(Subject)[self._stack.currentIndex()]

    @property
    def worst(self) -> Subject:
        """What needs a person most, the first of equals; what is shown while nothing does."""
        rows = [self.model.row_at(at) for at in range(self.model.rowCount())]
        for tone in (Tone.BAD, Tone.WARN):
            for row in rows:
                if row.tone is tone:
                    return row.subject
        return self.subject

    def open_at(self, subject: Subject) -> None:
        """Show what is behind ``subject``."""
        flags = QItemSelectionModel.SelectionFlag
        at = self.model.index(list(Subject).index(subject), 0)
        self.table.selectionModel().setCurrentIndex(at, flags.ClearAndSelect | flags.Rows)
        self.table.setFocus()

    def show_health(self, state: EngineState, now: float) -> None:
        """Show how the order path is; greyed while it is not current.

        Args:
            state: What is known.
            now: In seconds since the epoch.
        """
        alive = state.link is Link.ALIVE
        self.setEnabled(alive)
        first = self.model.rowCount() == 0
        self.model.show(checks(state, now))
        if first:
            self.open_at(Subject.BREAKERS)
        status = state.status
        if status is None:
            return
        rows = {
            Subject.BREAKERS: status.breakers,
            Subject.UNRESOLVED: unresolved_of(state.orders.values()),
            Subject.LETTERS: state.dead_letters,
            Subject.RECONCILIATION: _findings(state.reconciliation),
            Subject.FAILOVER: status.failover.triggers,
            Subject.LIVE: status.live_blockers,
            Subject.ENGINE: status.components,
        }
        headlines = {
            **_HEADLINES,
            Subject.RECONCILIATION: _reconciled(state.reconciliation, now),
            Subject.FAILOVER: _failover(status, now),
            Subject.LIVE: _LIVE if status.mode is Mode.LIVE else _PAPER,
        }
        for subject, page in self.pages.items():
            page.show_rows(rows[subject], headlines[subject], alive=alive)

    def check(self, subject: Subject) -> Check:
        """Return what is shown of ``subject``."""
        return self.model.row_at(list(Subject).index(subject))

    def _turn(self) -> None:
        chosen = self.table.selectionModel().selectedRows()
        if chosen:
            self._stack.setCurrentIndex(chosen[0].row())


def _findings(report: ReconciliationReport | None) -> tuple[object, ...]:
    return () if report is None else (*report.differences, *report.external)


def _reconciled(report: ReconciliationReport | None, now: float) -> str:
    if report is None:
        return "Journal and exchange have not been compared yet."
    told = [f"Journal and exchange compared at {figures.day_and_clock(report.at, now)}"]
    if report.repaired:
        noun = "order" if report.repaired == 1 else "orders"
        told.append(f"{report.repaired} {noun} taken over from the exchange")
    if not report.balances_compared:
        told.append("without balances: a trade may be under way, or they could not be read")
    return f"{', '.join(told)}."


def _failover(status: EngineStatus, now: float) -> str:
    failover = status.failover
    back = "Nothing switches back by itself."
    if failover.fell_back:
        at = (
            ""
            if failover.last_at is None
            else f" at {figures.day_and_clock(failover.last_at, now)}"
        )
        return f"Fell back to paper{at}. {failover.last}. {back}"
    if not failover.enabled:
        return "Switched off in the settings (failover.enabled): only a person switches to paper."
    if failover.armed:
        return f"Armed: the first trigger that is met switches to paper. {back}"
    return "On paper, so there is nothing to fall back from. It is armed again when live."
