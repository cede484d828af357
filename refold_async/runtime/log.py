"""The library's logger. A filter or handler that raises harms no call: that is reported once, on stderr."""

import logging
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from refold_async.runtime.foreign_errors import EXITS

__all__ = ["DEBUG", "INFO", "Log", "logger"]

DEBUG: Final = logging.DEBUG
INFO: Final = logging.INFO

Fields = Mapping[str, object] | None


class Log:
    """Logs as `logging.Logger` does, and raises nothing but what ends the program.

    The standard library catches what most handlers raise. What a filter raises, of a logger or of a handler, and what a
    handler of the program's own does not catch, would come out of the call that logs.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._reported = False

    def enabled(self, level: int) -> bool:
        """Tell whether lines of a level go anywhere, for those who would go to some length to make one."""
        try:
            return self._logger.isEnabledFor(level)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - a logger may be of a class of the program's own
            self._report(error)
            return False

    def log(self, level: int, message: str, *args: object, extra: Fields = None) -> None:
        """Log at a level; `extra` are fields of the record, whose names must not be those that logging gives it."""
        self._log(level, message, args, extra=extra)

    def debug(self, message: str, *args: object, extra: Fields = None) -> None:
        """Log at level DEBUG."""
        self._log(logging.DEBUG, message, args, extra=extra)

    def info(self, message: str, *args: object, extra: Fields = None) -> None:
        """Log at level INFO."""
        self._log(logging.INFO, message, args, extra=extra)

    def warning(self, message: str, *args: object, extra: Fields = None) -> None:
        """Log at level WARNING."""
        self._log(logging.WARNING, message, args, extra=extra)

    def error(self, message: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log at level ERROR, with the traceback of `exc_info`."""
        self._log(logging.ERROR, message, args, exc_info)

    def exception(self, message: str, *args: object) -> None:
        """Log at level ERROR, with the traceback of the exception that is handled."""
        self._log(logging.ERROR, message, args, sys.exception())

    def write_to_stderr(self, level: int) -> None:
        """Log from a level on, to where the program's logs go or, while it has set up none, to stderr."""
        self._logger.setLevel(level)
        self._logger.disabled = False  # as `logging.config` leaves loggers that a configuration does not name
        if not any(isinstance(handler, _StderrHandler) for handler in self._logger.handlers):
            self._logger.addHandler(_StderrHandler(self._logger))

    def keep_off_stderr(self) -> None:
        """Have no warning on stderr where the program has set up no logs, which is where `logging` would print it."""
        if not self._logger.handlers:
            self._logger.addHandler(logging.NullHandler())

    def _log(
        self,
        level: int,
        message: str,
        args: tuple[Any, ...],
        exc_info: BaseException | None = None,
        extra: Fields = None,
    ) -> None:
        try:
            if self._logger.isEnabledFor(level):
                self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3, extra=extra)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it raises, the call that logs goes on
            self._report(error)

    def _report(self, error: BaseException) -> None:
        """Print it where `logging` prints what handlers raise, but once."""
        if self._reported or not logging.raiseExceptions or sys.stderr is None:
            return
        self._reported = True
        with suppress(Exception):
            print("refold_async: a log filter or handler raised, and may do so again:", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)


class _StderrHandler(logging.Handler):
    """Writes to what is stderr by then, unless the program has set up a handler that a line gets to."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if sys.stderr is None or self._is_one_of_several():
            return
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001 - as handlers do
            self.handleError(record)

    def _is_one_of_several(self) -> bool:
        logger: logging.Logger | None = self._logger
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate else None
        return False


logger: Final = Log("refold_async")
