"""How Refold's API looks on the wire: names of routes, replies, pages, times and webhook events. It does no I/O."""
