"""The library's logger. A filter or handler that raises does not affect a call: it is reported once, on stderr."""

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
    """Log as `logging.Logger` does, but raise only what ends the program.

    The standard library catches what most handlers raise. It does not catch what a filter of a logger or handler
    raises, nor what the program's own handler lets through: that would be raised in the call that logs.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._reported = False

    def enabled(self, level: int) -> bool:
        """Return whether lines of a level are written anywhere. Check it before doing expensive work for a line."""
        try:
            return self._logger.isEnabledFor(level)
        except EXITS:
            raise
        except BaseException as error:  # noqa: BLE001 - the program may have set a logger class of its own
            self._report(error)
            return False

    def log(self, level: int, message: str, *args: object, extra: Fields = None) -> None:
        """Log at a level. `extra` are fields of the record; their names must not be those that logging itself uses."""
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
        """Log at level ERROR, with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, message, args, sys.exception())

    def write_to_stderr(self, level: int) -> None:
        """Log from a level upwards, to the program's own log handlers or, if it has set up none, to stderr."""
        self._logger.setLevel(level)
        self._logger.disabled = False  # `logging.config` disables loggers that a configuration does not name
        if not any(isinstance(handler, _StderrHandler) for handler in self._logger.handlers):
            self._logger.addHandler(_StderrHandler(self._logger))

    def keep_off_stderr(self) -> None:
        """Keep warnings off stderr, where `logging` prints them if the program has not set up any log handlers."""
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
        except BaseException as error:  # noqa: BLE001 - whatever it raises, the call that logs continues
            self._report(error)

    def _report(self, error: BaseException) -> None:
        """Print the error to stderr, as `logging` does for errors of handlers, but only once."""
        if self._reported or not logging.raiseExceptions or sys.stderr is None:
            return
        self._reported = True
        with suppress(Exception):
            print("refold_async: a log filter or handler raised, and may do so again:", file=sys.stderr)
            traceback.print_exception(error, file=sys.stderr)


class _StderrHandler(logging.Handler):
    """Write to the current stderr, unless the program has set up a handler that the record reaches."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
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
