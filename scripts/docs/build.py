"""Builds the documentation site into build/site, and beside its pages what language models read.

Warnings are errors: a broken link or a name that the reference does not know ends the build.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import finished_pages
import llms_texts

ROOT: Final = Path(__file__).parent.parent.parent
SITE: Final = ROOT / "build" / "site"
# How the lines begin in which griffe, which reads the sources, complains of docstrings; Zensical goes on after those.
_READER: Final = "griffe:"


def main() -> int:
    """Build all of it, and return the exit code."""
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    complaints = [line for line in built.stdout.splitlines() if line.startswith(_READER)]
    if built.returncode or complaints:
        print(built.stdout if built.returncode else "\n".join(complaints), file=sys.stderr)
        return built.returncode or 1
    finished_pages.finish(SITE, "refold_async", llms_texts.write(ROOT, SITE))
    print(f"The site is in {SITE.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
