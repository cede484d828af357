"""The calls that Refold offers: one module for each group."""
