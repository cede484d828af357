"""Journals kept in SQLite files: the only place that uses sqlite3."""
