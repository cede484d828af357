"""Refold's HTTP API in pure functions, which build requests and parse responses. No I/O."""
