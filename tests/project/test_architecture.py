"""What import-linter cannot say: no circle of modules, in any package."""

import tomllib
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.services.processes import PROJECT

ROOTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOTS, exclude_type_checking_imports=True, cache_dir=None)


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import each other round in a circle; empty without one."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_package_is_held_to_the_architecture() -> None:
    assert {path.parent.name for path in PROJECT.glob("*/*.py")} == set(ROOTS)


def test_no_module_imports_itself_by_way_of_others(graph: grimp.ImportGraph) -> None:
    assert (
        circle_in({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}) == []
    )


def test_a_circle_would_be_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
