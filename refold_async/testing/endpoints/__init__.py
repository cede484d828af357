"""What each endpoint does, with one module for each group: its functions, and its routes above them."""
