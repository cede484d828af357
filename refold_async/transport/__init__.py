"""One attempt on the wire, and deadlines. The only package that knows aiohttp."""
