"""What the mock offers: apps with their actions and workflows, and the sample apps."""
