"""Run by Alembic: upgrades over the connection that ``migration`` hands in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # true for SQLite as we open transactions; Alembic assumes otherwise
)
with context.begin_transaction():
    context.run_migrations()
