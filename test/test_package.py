"""The package's own promises: one version, files that install, arrows that only run down."""

from __future__ import annotations

import ast
import json
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest
import yaml

import wsvs_ros
from wsvs_ros.perception import ModelBundle, default_bundle_path

ROOT = Path(__file__).resolve().parents[1]
_ROOMS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("cores", "files", "images", "yaml_fields"),
    ("directories",),
    ("perception",),
    ("drives", "embedded"),
    ("runs",),
    ("evaluation", "export", "ros", "tagging"),
    ("cli",),
)
_ABOVE = {room: floor for floor, rooms in enumerate(_ROOMS) for room in rooms}
_NO_ROS = ("rclpy", "sensor_msgs", "std_msgs", "vision_msgs", "rcl_interfaces")


def modules() -> list[Path]:
    return sorted((ROOT / "wsvs_ros").rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_version_is_the_same_everywhere() -> None:
    setup = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text())
    package = ElementTree.parse(ROOT / "package.xml").findtext("version")
    assert setup is not None
    assert setup[1] == package == wsvs_ros.__version__
    assert (ROOT / "CHANGELOG.rst").read_text().count(f"\n{package} (") == 1


def test_package_xml_has_no_pip_keys() -> None:
    root = ElementTree.parse(ROOT / "package.xml").getroot()
    assert root.get("format") == "3"
    names = {item.text for item in root if item.tag.endswith("depend")}
    assert not {name for name in names if name and (name.endswith("-pip") or name in ("torch", "tensorrt"))}
    assert root.findtext("export/build_type") == "ament_python"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_only_run_down(path: Path) -> None:
    room = path.relative_to(ROOT / "wsvs_ros").parts[0].removesuffix(".py")
    for name in imports(path):
        assert not name.startswith("training"), f"{path} imports training"
        if name.split(".")[0] in _NO_ROS:
            assert room in ("ros", "cli"), f"{path} knows ROS"
        match = re.match(r"wsvs_ros\.(\w+)", name)
        if match and match[1] in _ABOVE and room in _ABOVE:
            assert match[1] == room or _ABOVE[match[1]] < _ABOVE[room], f"{path} imports {name}"


def test_the_embedded_middleware_knows_nothing_of_what_uses_it() -> None:
    files = sorted((ROOT / "wsvs_ros" / "embedded").glob("*.py"))
    assert files
    own = {name for path in files for name in imports(path) if name.startswith("wsvs_ros.")}
    assert {name for name in own if not name.startswith("wsvs_ros.embedded")} <= {"wsvs_ros.errors"}


@pytest.mark.parametrize("file", ["README.md", "Dockerfile", ".github/workflows/ci.yml"])
def test_what_is_installed_beside_ros_leaves_its_numpy_alone(file: str) -> None:
    """apt's OpenCV and cv_bridge are built against NumPy 1."""
    lines = (ROOT / file).read_text().splitlines()
    beside_ros = [line for line in lines if re.search(r"pip install .*\bonnxruntime\b", line)]
    assert beside_ros
    assert all("-c src/wsvs_ros/constraints-ros.txt" in line for line in beside_ros), beside_ros
    constraints = (ROOT / "constraints-ros.txt").read_text().splitlines()
    assert {"numpy<2", "ml_dtypes<0.6"} <= set(constraints)


def test_the_default_bundle_is_whole_and_small() -> None:
    bundle = ModelBundle.load(default_bundle_path())
    assert bundle.model_path.stat().st_size < 12e6
    assert bundle.labels.name == "camvid11"
    assert bundle.trained_on
    assert "CC BY-NC" in (bundle.path / "README.md").read_text()
    assert bundle.metrics["miou"] > 0.25


def test_layouts_show_topics_that_exist() -> None:
    layout = json.loads((ROOT / "config" / "foxglove_layout.json").read_text())
    rviz = yaml.safe_load((ROOT / "config" / "segment.rviz").read_text())
    topics = {panel["imageMode"]["imageTopic"] for panel in layout["configById"].values()}
    topics |= {display["Topic"]["Value"] for display in rviz["Visualization Manager"]["Displays"]}
    assert topics == {"/camera/image_raw", "/segmentation/overlay", "/segmentation/label"}


def stated_minimum(package: str) -> set[tuple[int, int]]:
    """What setup.py asks for at least, wherever it names the package."""
    found = re.findall(rf'"{package}>=(\d+)\.(\d+)', (ROOT / "setup.py").read_text())
    return {(int(major), int(minor)) for major, minor in found}


def test_the_default_model_is_read_by_the_oldest_onnxruntime_that_may_be_installed() -> None:
    """By ONNX Runtime's table of versions; 1.18 was also tried with all files of the default bundle."""
    onnx = pytest.importorskip("onnx")
    newest_ir = {(1, 17): 9, (1, 18): 10, (1, 19): 10, (1, 20): 10, (1, 21): 10, (1, 22): 11, (1, 23): 11}
    (oldest,) = stated_minimum("onnxruntime")
    for model in default_bundle_path().glob("*.onnx"):
        assert onnx.load(model).ir_version <= newest_ir[oldest], model.name


def test_the_default_program_was_written_by_no_newer_torch_than_may_be_installed() -> None:
    with zipfile.ZipFile(default_bundle_path() / "model.pt2") as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("models/model.json")]
        written_by = json.loads(archive.read(name))["torch_version"]
    (oldest,) = stated_minimum("torch")
    assert tuple(map(int, written_by.split(".")[:2])) <= oldest
