"""Refold's HTTP API in pure functions: requests are built, responses are parsed. No I/O."""
