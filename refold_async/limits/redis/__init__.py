"""A rate limit that many processes share, through Redis."""
