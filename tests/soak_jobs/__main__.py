"""`make soak-jobs`: a job of several processes, whose workers and servers are killed; all is judged at the end."""

import argparse
import asyncio
import random
import sys

import attrs

from refold_async import __version__

from .reporting import Settings
from .supervising import soak


def main() -> int:
    """Run one soak, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make soak-jobs", description=__doc__)
    defaults: dict[str, int | float] = attrs.asdict(Settings(seed=random.randrange(1_000_000)))
    for name, default in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    settings = Settings(**vars(parser.parse_args()))
    print(f"refold_async {__version__}: {settings}, ideally {settings.ideal:.0f} s", flush=True)
    report = asyncio.run(soak(settings, lambda line: print(line, flush=True)))
    print(report)
    return 1 if report.verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
