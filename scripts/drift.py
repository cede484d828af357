"""Compares a newer description of Refold's API with what we have. `tests/contract/drift.py` does it."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent

if __name__ == "__main__":
    sys.path.extend(map(str, (_ROOT / "tests", _ROOT / "scripts" / "docs")))
    sys.exit(import_module("contract.drift").main())
