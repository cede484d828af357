"""Actions of one linked account as the tools of a language model: their definitions, and their calls."""
