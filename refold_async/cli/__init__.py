"""The command line `refold`, in the extra `cli`: `refold --help` lists what it can do."""
