"""Lists the package with all extras and everything it brings with it, as CycloneDX, in build/release/sbom.cdx.json."""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
BUILD: Final = ROOT / "build" / "release"
EXTRAS: Final = "cli,otel,progress,schema,speed"


def main() -> None:
    """Install the wheel that `make release-check` built, and list what then is installed."""
    (wheel,) = (BUILD / "dist").glob("*.whl")
    place = BUILD / "listed"
    venv.create(place, with_pip=True, clear=True)
    python = str(place / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[{EXTRAS}]"], check=True)
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools"], check=True)
    target = BUILD / "sbom.cdx.json"
    command = ["cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library"]
    subprocess.run([sys.executable, "-m", *command, "--output-file", str(target), python], check=True)
    print(f"Listed in {target}.")


if __name__ == "__main__":
    main()
