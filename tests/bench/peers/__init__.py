"""What else an audit log could be looked at with, on the same entries."""

ADMIN = "Django admin, SQLite"
POSTGRES = "Django admin, PostgreSQL"
DATASETTE = "Datasette, SQLite"
NEWCOMER = "a first view, MongoDB"
