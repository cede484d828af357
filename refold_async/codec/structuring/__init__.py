"""JSON values to typed ones, by cattrs, strictly: nothing is coerced, and what does not fit is named by its path."""
