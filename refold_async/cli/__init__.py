"""The command line `refold`, in the extra `cli`: `refold --help` tells what it can do."""
