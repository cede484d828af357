"""`make soak`: plays rounds on all cores, tells how it goes, and ends with status 1 if anything was wrong."""

import argparse
import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Final

from refold_async import __version__

from .reporting import Total, progress
from .rounds import play_with
from .server import FAULTS

_CALLS_OF_A_ROUND: Final = 2500


def main() -> int:
    """Play so many calls, and return the exit status."""
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="how many calls to make (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="the seed of the first round; those after it count on (default: any)")
    parser.add_argument("--fault", action="append", choices=names, help="only this, beside what goes well; repeatable")
    parser.add_argument("--without", action="append", choices=names, default=[], help="all but this; repeatable")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many rounds at once")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    chosen = frozenset([names[0], *options.fault] if options.fault else names) - frozenset(options.without)
    rounds = -(-options.calls // _CALLS_OF_A_ROUND)
    sizes = [min(_CALLS_OF_A_ROUND, options.calls - number * _CALLS_OF_A_ROUND) for number in range(rounds)]
    print(f"refold_async {__version__}: {options.calls:,} calls in {rounds} rounds from seed {seed}", flush=True)
    total = Total()
    with ProcessPoolExecutor(min(options.processes, rounds), mp_context=get_context("spawn")) as pool:
        playing = [pool.submit(play_with, chosen, seed + number, size) for number, size in enumerate(sizes)]
        for played in as_completed(playing):
            total.add(played.result())
            print(progress(played.result(), total, options.calls), flush=True)
    print(total.told())
    if total.calls < options.calls:
        print(f"{options.calls - total.calls:,} calls fewer than asked for: rounds end after a minute of calls")
    return 1 if total.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
