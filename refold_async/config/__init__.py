"""What users configure, and how it is checked."""
