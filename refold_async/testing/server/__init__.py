"""The HTTP server: connections, the handling of a request, and what is sent back."""
