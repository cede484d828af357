"""What Refold does, as a table of facts, and what holds the client and the mock to it."""
