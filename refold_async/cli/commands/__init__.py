"""The commands, a file per group. Each is loaded when it is run."""
