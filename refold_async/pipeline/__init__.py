"""Run one call: wait for a permit, send the request, retry it if that is safe, and return its result."""
