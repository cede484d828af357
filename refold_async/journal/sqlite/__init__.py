"""Journals kept in SQLite files: the one place that knows sqlite3."""
