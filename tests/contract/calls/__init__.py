"""Calls of every public method, and requests that are refused, a module for each group."""
