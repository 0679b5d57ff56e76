"""The database: its clock, threads and connections, raw SQL, and what PostgreSQL and SQLite each do in their own way."""
