"""The database itself refuses to change history; the order metrics get their index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE = (
    """CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events
       BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END""",
    """CREATE TRIGGER order_events_no_delete BEFORE DELETE ON order_events
       BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END""",
    # INSERT OR REPLACE deletes without firing the trigger above.
    """CREATE TRIGGER order_events_no_replace BEFORE INSERT ON order_events
       WHEN EXISTS (SELECT 1 FROM order_events WHERE id = NEW.id)
         OR EXISTS (SELECT 1 FROM order_events WHERE order_id = NEW.order_id AND seq = NEW.seq)
       BEGIN SELECT RAISE(ABORT, 'order_events is append-only'); END""",
)
_POSTGRES = (
    """CREATE FUNCTION order_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'order_events is append-only'; END $$""",
    """CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events
       FOR EACH STATEMENT EXECUTE FUNCTION order_events_refuse()""",
)


def upgrade() -> None:
    """Add the triggers and the index."""
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
    is_live = sa.text("mode = 'live'")
    op.create_index(
        "ix_orders_metrics",
        "orders",
        ["mode", "state", "latency_ms", "failed"],
        sqlite_where=is_live,
        postgresql_where=is_live,
    )
