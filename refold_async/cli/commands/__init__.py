"""The commands, one file per group. A file is loaded when one of its commands runs."""
