"""One call, from its permit to its result or its error."""
