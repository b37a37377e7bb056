"""Account snapshots say which fills are older, by the order of writing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; of older snapshots nothing is known."""
    op.add_column("account_snapshots", sa.Column("after_fill", sa.BigInteger))
