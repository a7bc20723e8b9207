"""The house of training/: commands at the top, rooms below, arrows that only run down."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

TRAINING = Path(__file__).resolve().parents[2] / "training"
COMMANDS = sorted(path.stem for path in TRAINING.glob("*.py") if path.stem != "__init__")
ROOMS = ("config", "caches", "networks", "datasets", "running", "cues")
"""From the bottom up; the commands stand on all of them."""


def imports(path: Path) -> set[str]:
    """The modules of training/ that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("training.")}


def test_every_room_is_known() -> None:
    assert {path.parent.name for path in TRAINING.glob("*/__init__.py")} == set(ROOMS)


@pytest.mark.parametrize("path", sorted(TRAINING.rglob("*.py")), ids=lambda path: str(path.relative_to(TRAINING)))
def test_arrows_only_run_down(path: Path) -> None:
    room = path.relative_to(TRAINING).parts[0]
    height = ROOMS.index(room) if room in ROOMS else len(ROOMS)
    for name in imports(path):
        other = name.split(".")[1]
        above = ROOMS.index(other) if other in ROOMS else len(ROOMS)
        assert above <= height, f"{path} imports {name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_at_the_top_stand_commands_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")
    assert "sys.exit(main())" in (TRAINING / f"{name}.py").read_text()
    with pytest.raises(SystemExit) as ended:
        import_module(f"training.{name}").main(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m training.{name} ")


def test_what_speaks_of_a_command_speaks_of_one_that_is_there() -> None:
    root = TRAINING.parent
    texts = [root / "README.md", root / "CONTRIBUTING.md", root / "benchmarks" / "RESULTS.md"]
    texts += [path for folder in ("training", "wsvs_ros", "docs", "benchmarks") for path in (root / folder).rglob("*")]
    said = {
        (path.name, name)
        for path in texts
        if path.suffix in (".md", ".py", ".yaml", ".rst")
        for name in re.findall(r"-m training\.([a-z_.]+[a-z_])", path.read_text(encoding="utf-8"))
    }
    assert {name for _, name in said} >= {"fit", "export", "tags"}
    assert {each for each in said if each[1] not in COMMANDS} == set()
