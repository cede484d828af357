"""The HTTP server: connections, the course of a request, and what is sent back."""
