"""The report of a job, read from its journal in one pass and bounded memory."""
