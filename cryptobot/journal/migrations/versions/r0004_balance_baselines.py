"""What the account held is kept, so that a change while no engine ran is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "balance_baselines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("totals", sa.Text, nullable=False),
        sa.Column("booked", sa.Text, nullable=False),
        sa.UniqueConstraint("at_ns", name="uq_balance_baselines"),
    )
