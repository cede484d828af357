"""What goes wrong, and for which requests: troubles, scripts and rate limits."""
