"""What Refold offers, a file per group of calls."""
