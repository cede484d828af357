"""How Refold's API looks on the wire: names of routes, replies, pages, times and webhook events. Does no I/O."""
