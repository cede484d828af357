"""One call for many items."""
