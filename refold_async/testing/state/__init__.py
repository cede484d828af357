"""What the mock remembers: linked accounts, their workflows, executions, session tokens and webhooks."""
