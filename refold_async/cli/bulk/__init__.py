"""`refold fan-out`: the rows of a file, a job that acts for each of them, and what is told of it."""
