"""No import runs in a circle, whether at the head of a module or inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def modules_of(package: str, root: Path) -> dict[str, Path]:
    """A package's modules by their dotted names; a folder's `__init__` has the folder's."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports of a module but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield from imports_of(ast.Module([other], []))
        else:
            yield from imports_of(node)


def edges_of(name: str, path: Path, modules: Mapping[str, Path]) -> set[str]:
    """
    The modules that a module imports.

    Python runs the packages above a module first, so they count too, but for those that the importing module lies in:
    they are running already. A package's own `__init__` counts where it is asked for what is no module.
    """
    found: set[str] = set()
    for node in imports_of(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = {alias.name for alias in node.names}
        else:
            base = node.module or ""
            if node.level:
                above = (name if path.stem == "__init__" else name.rpartition(".")[0]).split(".")
                base = ".".join([*above[: len(above) - node.level + 1], *([base] if base else [])])
            targets = {f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base for alias in node.names}
        for target in targets & set(modules):
            found.add(target)
            parents = target.split(".")[:-1]
            found |= {
                parent
                for parent in (".".join(parents[:depth]) for depth in range(1, len(parents) + 1))
                if parent in modules and parent != name and not name.startswith(f"{parent}.")
            }
    return found


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """The strongly connected components of more than one module, and modules that import themselves (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: set[frozenset[str]] = set()

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            members = frozenset(stack[stack.index(name) :])
            del stack[stack.index(name) :]
            if len(members) > 1 or name in graph[name]:
                found.add(members)

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def circles_of(package: str, root: Path) -> set[frozenset[str]]:
    modules = modules_of(package, root)
    return circles({name: edges_of(name, path, modules) for name, path in modules.items()})


@pytest.mark.parametrize("package", ["training", "wsvs_ros"])
def test_no_import_runs_in_a_circle(package: str) -> None:
    assert len(modules_of(package, ROOT)) > 50
    assert sorted(sorted(each) for each in circles_of(package, ROOT)) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a": "import p.b", "b": "from p import c", "c": ""}, []),
        ({"a": "import p.b", "b": "from p import a"}, [["p.a", "p.b"]]),
        ({"a": "from .b import x", "b": "def f():\n    if True:\n        from p.a import y"}, [["p.a", "p.b"]]),
        ({"a": "from p.b import x", "b": "if TYPE_CHECKING:\n    from p.a import y"}, []),
        ({"a": "from p.b import x", "b": "if TYPE_CHECKING:\n    pass\nelse:\n    import p.a"}, [["p.a", "p.b"]]),
        ({"a": "import p.a"}, [["p.a"]]),
        # a folder's table of contents may name its modules; a module that asks the folder runs in a circle
        ({"r/__init__": "from p.r.one import x", "r/one": "from p.r.two import y", "r/two": ""}, []),
        ({"r/__init__": "from p.r.one import x", "r/one": "from p.r import x"}, [["p.r", "p.r.one"]]),
        # what imports a module runs its folder's `__init__`
        (
            {"a": "import p.r.two", "r/__init__": "import p.r.one", "r/one": "import p.a", "r/two": ""},
            [["p.a", "p.r", "p.r.one"]],
        ),
        (
            {"r/__init__": "", "r/one": "from ..s import two", "s/__init__": "", "s/two": "from ..r.one import z"},
            [["p.r.one", "p.s.two"]],
        ),
    ],
)
def test_circles_are_found(tmp_path: Path, files: dict[str, str], expected: list[list[str]]) -> None:
    for name, text in {"__init__": "", **files}.items():
        (tmp_path / "p" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / f"{name}.py").write_text(text)
    assert sorted(sorted(each) for each in circles_of("p", tmp_path)) == expected
