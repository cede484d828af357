"""The help of `refold fan-out`, above and below its options. It is here so that listing commands loads no more."""

from typing import Final

__all__ = ["EXIT_CODES", "FAN_OUT"]

FAN_OUT: Final = """\
Execute an action for each row of a file.

Many rows run at a time, each for the linked account in its column linked_account_id. Begin with --dry-run, then \
--limit 5, then all rows:

  refold fan-out hubspot create_contact email=@email company=Acme \\
      --accounts customers.csv --journal june.sqlite --output june.csv

Ctrl-C stops the job; rows in flight have 10 seconds to finish. With --journal, run the same command again to continue \
with the rest, also after kill -9, a crash or a closed terminal. Rows that are done, or that may be done, are not \
repeated. `refold journal summary june.sqlite` shows the state of the job at any time.
"""

EXIT_CODES: Final = """\
Exit code of a job, the first that applies:
  3    a row is unknown; or rows are left, and no --journal knows the others
  130  Ctrl-C, and rows are left
  4    a row was executed, but its response could not be used
  1    a row failed, or something else stopped the job; other rows may be ok
  0    all rows are ok
"""
