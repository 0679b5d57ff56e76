"""The database: its clock, threads and connections, raw SQL, batches, and where PostgreSQL and SQLite differ."""
