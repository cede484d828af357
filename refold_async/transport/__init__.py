"""One attempt on the wire. The only package that knows aiohttp."""
