"""What `refold fan-out --help` tells beside its options. Here for who lists the commands without loading them."""

from typing import Final

__all__ = ["FAN_OUT"]

FAN_OUT: Final = """\
Execute an action for each row of a file.

Many rows at a time, each for the linked account that its column linked_account_id names. Begin with --dry-run, then \
--limit 5, then all:

  refold fan-out hubspot create_contact email=@email lifecyclestage=lead \\
      --accounts customers.csv --journal june.sqlite --output june.csv

Ctrl-C stops it: what is in flight gets 10 seconds to end. Run the same command again, and it goes on with the rest, \
as it does after kill -9, a crash or a closed terminal: the --journal knows. Nothing that is done is sent again, nor \
what may be done. `refold journal summary june.sqlite` tells at any time how it stands.

It exits with 3 if any row is unknown, else 4 if one ran and its answer could not be used, else 1 if one failed, else \
0. After Ctrl-C that is 130, or 3 if running it again might act twice.
"""
