"""What each endpoint does, a module per group: its functions and, below them, its routes."""
