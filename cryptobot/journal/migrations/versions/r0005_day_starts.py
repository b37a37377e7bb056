"""How each day began is kept, so that a restart does not forgive its losses."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "day_starts",
        sa.Column("mode", sa.Text, primary_key=True),
        sa.Column("day", sa.Text, primary_key=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("equity", sa.Text),
        sa.Column("profit", sa.Text, nullable=False),
    )
