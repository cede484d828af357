"""Checks what is about to be released: builds it, installs it as users do, and tests what the source archive holds.

    make release-check

Everything happens in build/release; what is to be uploaded lies in build/release/dist afterwards.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
BUILD: Final = ROOT / "build" / "release"
DIST: Final = BUILD / "dist"


def main() -> None:
    """Check, and end with a line that says what was wrong, or that nothing was."""
    version = _version()
    _check_changelog(version)
    shutil.rmtree(BUILD, ignore_errors=True)
    _run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    archives = sorted(DIST.iterdir())
    _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, archives))
    source = _unpacked(next(archive for archive in archives if archive.suffix == ".gz"))
    for archive in archives:
        _check_installed(archive, source, version)
    print(f"== the suite, from {source.name}")
    _run("make", "test", "VENV=.venv", cwd=source)
    print(f"Version {version} can be released: {', '.join(archive.name for archive in archives)} in {DIST}.")


def _version() -> str:
    text = (ROOT / "refold_async" / "version.py").read_text(encoding="utf-8")
    found: list[str] = re.findall(r'__version__.*"(.+)"', text)
    return found[0]


def _check_changelog(version: str) -> None:
    """Require a section with a date for the version, and nothing left over above it."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, found, _ = text.partition(f"\n## [{version}] - 20")
    if not found:
        sys.exit(f"CHANGELOG.md has no section `## [{version}] - DATE`. Move what is unreleased there.")
    if "\n- " in unreleased:
        sys.exit(f"CHANGELOG.md lists changes that are unreleased. Move them to {version}.")


def _unpacked(archive: Path) -> Path:
    with tarfile.open(archive) as files:
        files.extractall(BUILD, filter="data")
    return BUILD / archive.name.removesuffix(".tar.gz")


def _check_installed(archive: Path, source: Path, version: str) -> None:
    """Install an archive in an environment of its own, with the command line, and use it there."""
    print(f"== {archive.name}, installed")
    place = BUILD / f"installed-from-{archive.suffix.removeprefix('.')}"
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    _run(str(python), "-m", "pip", "install", "--quiet", f"{archive}[cli]")
    said = _run(str(python), "-m", "refold_async", "--version", cwd=place)
    if said.strip() != version:
        sys.exit(f"{archive.name} says that it is version {said.strip()}, not {version}.")
    _run(str(python), str(source / "examples" / "quickstart.py"), cwd=place)


def _run(*command: str, cwd: Path = BUILD.parent) -> str:
    """Run a command without this environment's settings for Python, print what it says, and return that.

    Raises:
        SystemExit: It failed.
    """
    cwd.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "REFOLD_"))}
    ran = subprocess.run(command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, check=False)
    print(ran.stdout, end="")
    if ran.returncode:
        sys.exit(f"{' '.join(command)} failed.")
    return ran.stdout


if __name__ == "__main__":
    main()
