"""What the mock offers: apps, their actions and workflows, and the samples it starts with."""
