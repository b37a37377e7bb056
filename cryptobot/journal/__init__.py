"""What must survive: schema, migrations, the single writer, queries (SQLite or PostgreSQL)."""
