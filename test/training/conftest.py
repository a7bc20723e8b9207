"""One small trained work directory for all tests of the training subpackage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from wsvs_ros.drives.synthetic import SyntheticFrame


@pytest.fixture(scope="session")
def drive() -> list[SyntheticFrame]:
    """A rendered drive."""
    from small_training import SIZE

    from wsvs_ros.drives.synthetic import SyntheticDrive

    return list(SyntheticDrive(SIZE, frames=60, seed=5, fps=10).truth())


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory, drive: list[SyntheticFrame]) -> Path:
    """A configuration of that drive with its tags."""
    from small_training import write_configuration

    return write_configuration(tmp_path_factory.mktemp("data"), drive)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory, config: Path) -> Path:
    """The work directory of its training."""
    from training import fit

    folder = tmp_path_factory.mktemp("work")
    assert fit.main([str(config), "--work", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory, drive: list[SyntheticFrame]) -> Path:
    """The drive's first frames with the true labels of every second one."""
    import cv2

    from wsvs_ros.perception.labels import LabelSet

    folder = tmp_path_factory.mktemp("labelled")
    for part in ("images", "labels", "cars"):
        (folder / part).mkdir()
    for number, item in enumerate(drive[:16]):
        cv2.imwrite(str(folder / "images" / f"{item.frame.name}.png"), item.frame.image)
        cars = item.labels == LabelSet.load("camvid11").id_of("car")
        cv2.imwrite(str(folder / "cars" / f"{item.frame.name}.png"), cars.astype("uint8") * 255)
        if number % 2 == 0:
            cv2.imwrite(str(folder / "labels" / f"{item.frame.name}.png"), item.labels)
    return folder
