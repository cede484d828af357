"""What the mock keeps in memory: linked accounts, their workflows, executions, session tokens and webhooks."""
