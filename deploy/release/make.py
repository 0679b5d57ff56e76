"""What a release consists of, made from the last commit and checked: ``make release-check``. It tags and uploads nothing.

Into ``dist/`` come the source archive, the wheel, CycloneDX's lists of what the portal and its image are made of, and the
checksums of all of them. CONTRIBUTING.md has the steps around it.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from core import __version__

PROJECT = Path(__file__).parents[2]
DIST = PROJECT / "dist"
SBOM_OF_LOCK = {"requirements.lock": "", "deploy/docker/image.lock": "-image"}
"""Each lock that is installed somewhere, and the ending of its list's name."""
STEP_SECONDS = 1800


def main() -> int:
    if _output("git", "status", "--porcelain"):
        print(
            "There are changes that are not committed; the release is made of the last commit.",
            file=sys.stderr,
        )
    os.environ["SOURCE_DATE_EPOCH"] = _output("git", "log", "-1", "--format=%ct")
    DIST.mkdir(exist_ok=True)
    for old in DIST.iterdir():
        old.unlink()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        for file in build(work):
            (DIST / file.name).write_bytes(file.read_bytes())
        distributions = sorted(DIST.iterdir())
        _say("metadata")
        _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions))
        _say("an empty environment")
        try_install(next(file for file in distributions if file.suffix == ".whl"), work)
    _say("SBOM")
    for lock, ending in SBOM_OF_LOCK.items():
        write_sbom(PROJECT / lock, DIST / f"feishu-portal-{__version__}{ending}.cdx.json")
    write_checksums(DIST)
    print(f"\nfeishu-portal {__version__} is in {DIST.relative_to(PROJECT)}/:")
    print((DIST / "SHA256SUMS").read_text(), end="")
    return 0


def build(work: Path) -> list[Path]:
    """The source archive and the wheel, in ``work``. Raises SystemExit where a second build, or one from the archive, makes other
    files of the same commit."""
    _say("source archive and wheel, twice, and the wheel from the archive")
    commit = subprocess.run(["git", "archive", "HEAD"], cwd=PROJECT, capture_output=True, check=True).stdout
    first, second, unpacked = work / "first", work / "second", work / "unpacked"
    for folder in (first, second):
        folder.mkdir()
        subprocess.run(["tar", "-x", "-C", str(folder)], input=commit, check=True)
        _run(sys.executable, "-m", "hatchling", "build", "--directory", "dist", cwd=folder)
    files = sorted((first / "dist").iterdir())
    [archive] = [file for file in files if file.name.endswith(".tar.gz")]
    with tarfile.open(archive) as opened:
        opened.extractall(unpacked, filter="data")
    [source] = unpacked.iterdir()
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "dist", cwd=source)
    for file in files:
        others = [second / "dist" / file.name, source / "dist" / file.name]
        if any(other.exists() and other.read_bytes() != file.read_bytes() for other in others):
            raise SystemExit(f"{file.name} is not reproducible")
    return files


def try_install(wheel: Path, work: Path) -> None:
    """As an operator does it, with the locked versions and nothing else."""
    python = work / "environment" / "bin" / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
    _run(sys.executable, "-m", "venv", str(python.parents[1]))
    _run(*pip, "install", "--require-hashes", "--requirement", str(PROJECT / "requirements.lock"))
    _run(*pip, "install", "--no-deps", "--no-index", str(wheel))
    _run(*pip, "check")
    answer = _output(str(python.with_name("feishu-portal")), "--version", cwd=work)
    if answer != __version__:
        raise SystemExit(f"feishu-portal --version answers {answer!r}, and {__version__} is released")


def write_sbom(lock: Path, file: Path) -> None:
    """CycloneDX, of the lock's versions and hashes. The same lock and commit make the same file."""
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(file)]
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock), *options]
    _run(*command)
    sbom = json.loads(file.read_text())
    # pyproject.toml leaves the version to core/__init__.py.
    sbom["metadata"]["component"]["version"] = __version__
    file.write_text(json.dumps(sbom, indent=2, ensure_ascii=False) + "\n")


def write_checksums(folder: Path) -> None:
    """In the form that ``sha256sum --check`` reads."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def _say(step: str) -> None:
    print(f"== {step}", flush=True)


def _run(*command: str, cwd: Path = PROJECT) -> None:
    subprocess.run(command, cwd=cwd, check=True, timeout=STEP_SECONDS)


def _output(*command: str, cwd: Path = PROJECT) -> str:
    done = subprocess.run(command, cwd=cwd, check=True, timeout=STEP_SECONDS, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
