"""What users set, and how it is checked."""
