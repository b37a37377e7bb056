"""Turns a batch of records into rows, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Dialect, func, select, update

from cryptobot.domain.order import TERMINAL, OrderState
from cryptobot.journal import schema, statements
from cryptobot.journal.records import (
    AccountSnapshot,
    BalanceBaseline,
    DayStart,
    DeadLetter,
    ModeChange,
    OrderRecord,
    Record,
    RunEnd,
    RunStart,
)
from cryptobot.journal.rows import (
    OrderRows,
    account_row,
    baseline_row,
    day_row,
    dead_letter_row,
    fill_row,
    mode_row,
    order_row,
    payload_json,
)

_MAX_ASKED = 500
"""Order ids in one look-up; far below every database's limit of parameters."""

_LAST_FILL = select(func.coalesce(func.max(schema.fills.c.id), 0))

_FIRST_STATES = frozenset({OrderState.INITIALIZED, OrderState.SUBMITTED, OrderState.DENIED})


Item = (
    OrderRows
    | ModeChange
    | AccountSnapshot
    | BalanceBaseline
    | DayStart
    | RunStart
    | RunEnd
    | DeadLetter
)
"""A record as it goes to whoever commits it."""


class Written(NamedTuple):
    """What an order's committed rows became; see ``Recorded``."""

    seq: int
    duplicate: bool
    new_trade_ids: frozenset[str]


@dataclass(slots=True)
class _History:
    """What is known of an order's events: the last state, and the seq of each by digest."""

    state: str | None = None
    seqs: dict[str, int] = field(default_factory=dict)


class BatchWriter:
    """Writes batches for the one who writes.

    It remembers the history of open orders, so that numbering an event needs no read. Only valid
    while nothing else writes orders to the database; ``forget`` after any failure.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._histories: dict[str, _History] = {}
        self._insert_event = statements.insert_event(dialect)
        self._upsert_order = statements.upsert_order(dialect)
        self._insert_fill = statements.insert_new(dialect, schema.fills).returning(
            schema.fills.c.order_id, schema.fills.c.trade_id, schema.fills.c.digest
        )
        self._upsert_dead_letter = statements.upsert(dialect, schema.dead_letters)
        self._upsert_day = statements.upsert(dialect, schema.day_starts)
        self._insert_new = {
            ModeChange: statements.insert_new(dialect, schema.mode_changes),
            AccountSnapshot: statements.insert_new(dialect, schema.account_snapshots),
            BalanceBaseline: statements.insert_new(dialect, schema.balance_baselines),
            RunStart: statements.insert_new(dialect, schema.runs),
        }

    def forget(self) -> None:
        """Drop what is remembered; it is read again when needed."""
        self._histories.clear()

    def write(
        self, connection: Connection, items: Sequence[Item], *, trusting: bool = True
    ) -> list[Written | None]:
        """Write ``items`` within the caller's transaction and return what each became.

        Args:
            connection: In a transaction.
            items: In the order in which they were given.
            trusting: Take a first event for what it nearly always is, that of a new order, and
                save the look-up. If it is not, the database refuses it (``IntegrityError``): then
                forget, and write again without trust.
        """
        results: list[Written | None] = []
        start = 0
        for index, item in enumerate(items):
            if isinstance(item, AccountSnapshot):  # it says which fills were written before it
                results += self._write_part(connection, items[start:index], trusting=trusting)
                self._write_other(connection, item)
                results.append(None)
                start = index + 1
        return results + self._write_part(connection, items[start:], trusting=trusting)

    def _write_part(
        self, connection: Connection, items: Sequence[Item], *, trusting: bool
    ) -> list[Written | None]:
        orders = [item for item in items if isinstance(item, OrderRows)]
        written = iter(self._write_orders(connection, orders, trusting=trusting) if orders else ())
        results: list[Written | None] = []
        for item in items:
            if isinstance(item, OrderRows):
                results.append(next(written))
            else:
                self._write_other(connection, item)
                results.append(None)
        return results

    def committed(self, items: Sequence[Item]) -> None:
        """Forget the orders that will hardly change again."""
        for item in items:
            if isinstance(item, OrderRows) and item.order["state"] in TERMINAL:
                self._histories.pop(item.order["order_id"], None)

    def _write_orders(
        self, connection: Connection, items: Sequence[OrderRows], *, trusting: bool
    ) -> list[Written]:
        unknown = set()
        for item in items:
            order_id = item.order["order_id"]
            if order_id not in self._histories:
                if trusting and item.order["state"] in _FIRST_STATES and order_id not in unknown:
                    self._histories[order_id] = _History()
                else:
                    unknown.add(order_id)
        self._load_histories(connection, sorted(unknown))
        events: list[dict[str, Any]] = []
        views: dict[str, dict[str, Any]] = {}
        fills: list[dict[str, Any]] = []
        digests: list[str] = []
        duplicates: set[int] = set()
        for index, item in enumerate(items):
            row = item.order
            payload = payload_json(row)
            digest = _digest(payload, item)
            digests.append(digest)
            history = self._histories[row["order_id"]]
            if digest in history.seqs:
                duplicates.add(index)
                continue
            history.seqs[digest] = len(history.seqs) + 1
            events.append(
                {
                    "order_id": row["order_id"],
                    "seq": history.seqs[digest],
                    "at_ns": row["updated_ns"],
                    "from_state": history.state,
                    "state": row["state"],
                    "reason": row["reason"],
                    "evidence": item.evidence,
                    "payload": payload,
                    "digest": digest,
                }
            )
            history.state = row["state"]
            views[row["order_id"]] = row
            fills.extend({**fill, "digest": digest} for fill in item.fills)
        if events:
            self._insert_event.run(connection, events)
            self._upsert_order.run(connection, list(views.values()))
        new = (
            {tuple(row) for row in connection.execute(self._insert_fill, fills)} if fills else set()
        )
        if duplicates:
            new |= _fills_of(
                connection,
                {items[index].order["order_id"] for index in duplicates},
                {digests[index] for index in duplicates},
            )
        return [
            Written(
                self._histories[item.order["order_id"]].seqs[digest],
                index in duplicates,
                frozenset(
                    fill["trade_id"]
                    for fill in item.fills
                    if (item.order["order_id"], fill["trade_id"], digest) in new
                ),
            )
            for index, (item, digest) in enumerate(zip(items, digests, strict=True))
        ]

    def _load_histories(self, connection: Connection, missing: Sequence[str]) -> None:
        event = schema.order_events.c
        for start in range(0, len(missing), _MAX_ASKED):
            asked = missing[start : start + _MAX_ASKED]
            self._histories.update((order_id, _History()) for order_id in asked)
            known = (
                select(event.order_id, event.seq, event.state, event.digest)
                .where(event.order_id.in_(asked))
                .order_by(event.order_id, event.seq)
            )
            for order_id, seq, state, digest in connection.execute(known):
                history = self._histories[order_id]
                history.state = state
                history.seqs[digest] = seq

    def _write_other(self, connection: Connection, item: Item) -> None:
        match item:
            case ModeChange():
                connection.execute(self._insert_new[ModeChange], mode_row(item))
            case AccountSnapshot():
                last = connection.execute(_LAST_FILL).scalar()
                row = {**account_row(item), "after_fill": last}
                connection.execute(self._insert_new[AccountSnapshot], row)
            case BalanceBaseline():
                connection.execute(self._insert_new[BalanceBaseline], baseline_row(item))
            case DayStart():
                connection.execute(self._upsert_day, day_row(item))
            case DeadLetter():
                connection.execute(self._upsert_dead_letter, dead_letter_row(item))
            case RunStart(started_ns, pid, version):
                row = {"started_ns": started_ns, "pid": pid, "version": version, "clean": False}
                connection.execute(self._insert_new[RunStart], row)
            case RunEnd(started_ns, pid, ended_ns):
                run = schema.runs.c
                connection.execute(
                    update(schema.runs)
                    .where(run.started_ns == started_ns, run.pid == pid)
                    .values(ended_ns=ended_ns, clean=True)
                )


def to_item(record: Record) -> Item:
    """Return a record as it goes to whoever commits it."""
    if not isinstance(record, OrderRecord):
        return record
    return OrderRows(
        order_row(record), record.evidence, [fill_row(fill, record) for fill in record.fills]
    )


def _digest(payload: str, item: OrderRows) -> str:
    """Name an event by its content, so that a resubmission is known as such."""
    trades = [(fill["symbol"], fill["trade_id"]) for fill in item.fills]
    content = orjson.dumps((payload, item.evidence, trades))
    return blake2b(content, digest_size=16).hexdigest()


def _fills_of(
    connection: Connection, order_ids: set[str], digests: set[str]
) -> set[tuple[Any, ...]]:
    fill = schema.fills.c
    stored = select(fill.order_id, fill.trade_id, fill.digest).where(
        fill.order_id.in_(order_ids), fill.digest.in_(digests)
    )
    return {tuple(row) for row in connection.execute(stored)}
