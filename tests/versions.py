"""The tests that need no server, on each Python and Django that pyproject.toml promises: ``make test-versions``.

Each Python gets an environment of its own from requirements-dev.lock, in ``.venv/versions/``. The oldest Django is laid over the
environment of this Python, for the tests of what knows Django. A Python that is not found is named at the end; with ``--all``
it is a failure.

``.ci/run`` has no time for all of that. It lays the oldest Django in front for its own pass without a server
(``--oldest-django`` says where it is), and tries the newest Python alone (``--newest``), with the packages' own tests.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[1]
LOCK = PROJECT / "requirements-dev.lock"
ENVIRONMENTS = Path(sys.prefix) / "versions"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# Neither the platform's language nor the sandbox knows Django, nor do what is deployed and the rules of the repository.
WITHOUT_DJANGO = ["tests/deploy", "tests/feishu", "tests/project", "tests/sandbox"]
# What the portal consists of, and that each of its modules can be imported. The sandbox is a tool beside it.
OF_THE_PORTAL = [
    "tests/auth_sessions", "tests/bots", "tests/console", "tests/core", "tests/events", "tests/feishu", "tests/feishu_portal",
    "tests/project/test_imports.py",
]  # fmt: skip
PIP = ["-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "install"]


@dataclass(frozen=True)
class Outcome:
    what: str
    is_good: bool
    words: str


def supported_pythons() -> list[str]:
    """As the classifiers have them, e.g. 3.11; the oldest first."""
    classifiers = "\n".join(_project()["classifiers"])
    return re.findall(r"Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)


def lowest_django() -> str:
    """The lower bound of pyproject.toml, e.g. 5.2."""
    [django] = [
        requirement
        for requirement in map(Requirement, _project()["dependencies"])
        if requirement.name == "django"
    ]
    return str(min(Version(bound.version) for bound in django.specifier if bound.operator == ">="))


def find_python(version: str, named: list[str]) -> str | None:
    """An interpreter of this version: this one, one that the command line names, one on the path, or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    of_pyenv = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    candidates = [sys.executable, *named, *([on_path] if on_path else []), *map(str, of_pyenv)]
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        answer = subprocess.run([candidate, "-c", asked], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return candidate
    return None


def environment_of(python: str, version: str) -> str:
    """The interpreter of an environment with all of the lock, made again where the lock is another."""
    if version == HERE:
        return sys.executable
    folder = ENVIRONMENTS / version
    stamp, lock = folder / ".lock", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    inside = str(folder / "bin" / "python")
    if not stamp.exists() or stamp.read_text() != lock:
        print(f"Installing requirements-dev.lock for Python {version}: this takes some minutes.", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([inside, *PIP, "--require-hashes", "--requirement", str(LOCK)], check=True)
        stamp.write_text(lock)
    return inside


def oldest_django() -> Path:
    """A folder with the oldest Django and nothing else, to stand in front of an environment's own."""
    folder = ENVIRONMENTS / f"django-{lowest_django()}"
    if not folder.exists():
        wanted = f"django=={lowest_django()}"
        command = [sys.executable, *PIP, "--no-deps", "--target", str(folder), wanted]
        subprocess.run(command, stdout=sys.stderr, check=True)
    if not is_loaded(folder):
        raise SystemExit("The oldest Django is not the one that is loaded from its folder.")
    return folder


def is_loaded(in_front: Path) -> bool:
    """Whether this Python takes the Django in that folder."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import django; print(django.__file__)"],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(in_front)}, cwd=PROJECT,
    )  # fmt: skip
    return Path(loaded.stdout.strip()).is_relative_to(in_front)


def run_tests(python: str, what: str, arguments: list[str], *, in_front: Path | None = None) -> Outcome:
    print(f"== {what}", flush=True)
    variables = os.environ | {"TEST_DATABASE": "none"}
    if in_front:
        variables["PYTHONPATH"] = str(in_front)
    command = [python, "-m", "pytest", "-q", "-n", str(os.cpu_count() or 2), "--maxprocesses", "6"]
    command += ["--dist", "worksteal", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=variables, check=False)
    return Outcome(what, is_good=not done.returncode, words="FAILED" if done.returncode else "passed")


def newest_python(named: list[str]) -> str:
    """The newest version that is found, e.g. 3.13; this one where there is no other."""
    return next(version for version in reversed(supported_pythons()) if find_python(version, named))


def try_python(version: str, named: list[str], arguments: list[str], *, must_exist: bool) -> Outcome:
    python = find_python(version, named)
    if python is None:
        where = f"NOT FOUND: install it, or name one with --python /path/to/python{version}"
        return Outcome(f"Python {version}", is_good=not must_exist, words=where)
    try:
        inside = environment_of(python, version)
    except subprocess.CalledProcessError as error:
        return Outcome(f"Python {version}", is_good=False, words=f"could not be set up: {error}")
    return run_tests(inside, f"Python {version}", arguments)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test-versions", description=__doc__)
    parser.add_argument("--here", action="store_true", help="only the oldest Django, on the Python of .venv")
    parser.add_argument(
        "--newest", action="store_true", help="only the newest Python found, with the packages' own tests"
    )
    parser.add_argument("--oldest-django", action="store_true", help="only say in which folder it is")
    parser.add_argument(
        "--install", action="store_true", help="with --newest: make its environment, and no more"
    )
    parser.add_argument("--all", action="store_true", help="fail where a Python is not found")
    parser.add_argument("--python", action="append", default=[], metavar="PATH", help="an interpreter to use")
    options, arguments = parser.parse_known_args()
    ENVIRONMENTS.mkdir(exist_ok=True)
    if options.oldest_django:
        print(oldest_django())
        return 0
    if options.newest:
        version = newest_python(options.python)
        if options.install:
            environment_of(find_python(version, options.python) or sys.executable, version)
            return 0
        outcomes = [try_python(version, options.python, [*OF_THE_PORTAL, *arguments], must_exist=True)]
    else:
        outcomes = [] if options.here else [
            try_python(version, options.python, arguments, must_exist=options.all)
            for version in supported_pythons()
        ]  # fmt: skip
        what = f"Python {HERE}, Django {lowest_django()}"
        arguments += [f"--ignore={folder}" for folder in WITHOUT_DJANGO]
        outcomes.append(run_tests(sys.executable, what, arguments, in_front=oldest_django()))
    print()
    for outcome in outcomes:
        print(f"{outcome.what}: {outcome.words}")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def _project() -> dict[str, list[str]]:
    project: dict[str, list[str]] = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    return project


if __name__ == "__main__":
    sys.exit(main())
