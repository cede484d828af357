"""`refold fan-out`: the rows of a file, the job that executes an action for each of them, and its summary."""
