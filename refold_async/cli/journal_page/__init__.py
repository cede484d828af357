"""The report of a job as a page for browsers: one file that loads nothing, with charts and a table of items."""
