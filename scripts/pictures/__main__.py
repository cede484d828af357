"""Draws the pictures of the documentation into docs/images.

`python -m pictures [NAME ...]`, with `scripts` on the path, draws those that are named, or all.
"""

import argparse
from pathlib import Path
from typing import Final

from pictures.catalogue import PICTURES

IMAGES: Final = Path(__file__).parent.parent.parent / "docs" / "images"


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"{', '.join(PICTURES)}; by default all")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(PICTURES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    IMAGES.mkdir(exist_ok=True)
    for name in arguments.names or PICTURES:
        (IMAGES / f"{name}.svg").write_text(PICTURES[name](), encoding="utf-8")


if __name__ == "__main__":
    main()
