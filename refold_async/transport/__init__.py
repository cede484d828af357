"""One attempt on the network, and deadlines. The only package that uses aiohttp."""
