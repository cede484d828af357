"""Journals kept in PostgreSQL: the only place that uses psycopg."""
