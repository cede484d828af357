"""Lists the package with all extras and everything it brings with it, as CycloneDX, in build/release/sbom.cdx.json."""

import json
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
    wheel = next((BUILD / "dist").glob("*.whl"), None)
    if wheel is None:
        sys.exit("There is no wheel in build/release/dist: run `make release-check` first.")
    place = BUILD / "listed"
    venv.create(place, with_pip=True, clear=True)
    python = str(place / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{wheel}[{EXTRAS}]"], check=True)
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "pip", "setuptools"], check=True)
    target = BUILD / "sbom.cdx.json"
    command = ["cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library"]
    subprocess.run([sys.executable, "-m", *command, "--output-file", str(target), python], check=True)
    _name_the_version(target, wheel.name.split("-")[1])
    print(f"Listed in {target}.")


def _name_the_version(target: Path, version: str) -> None:
    """Add to the list which version it is about: pyproject.toml, where the lister looks for it, does not state it."""
    listed = json.loads(target.read_text(encoding="utf-8"))
    listed["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/refold-async@{version}"}
    target.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
