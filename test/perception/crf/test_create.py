from __future__ import annotations

import sys

import numpy as np
import pytest

from wsvs_ros.perception.crf import CrfError, CrfSettings, create_crf
from wsvs_ros.perception.crf.interface import Crf

PROBABILITIES = np.full((3, 8, 9), 1 / 3, np.float32)
IMAGE = np.zeros((8, 9, 3), np.uint8)


@pytest.mark.parametrize("name", ["torch", "pydensecrf"])
def test_each_implementation_can_be_had_by_name(name: str) -> None:
    crf: Crf = create_crf(CrfSettings(), name)
    assert crf.name.startswith(name)
    np.testing.assert_allclose(crf(PROBABILITIES, IMAGE), PROBABILITIES, atol=1e-6)


def test_auto_takes_the_fastest_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert create_crf().name == "torch-cpu"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else sys.__spec__)
    assert create_crf().name == "pydensecrf"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CrfError, match="'auto': not available; here are: none; pip install torch"):
        create_crf()


def test_an_unknown_implementation_names_those_there_are() -> None:
    with pytest.raises(CrfError, match="'permuto': not available; here are: torch, pydensecrf"):
        create_crf(implementation="permuto")


@pytest.mark.parametrize("name", ["torch", "pydensecrf"])
@pytest.mark.parametrize(
    ("probabilities", "image", "message"),
    [
        (PROBABILITIES, IMAGE[:7], r"probabilities are \(3, 8, 9\), expected \(N, 7, 9\), the image's size"),
        (PROBABILITIES.astype(np.float64), IMAGE, "probabilities are float64, expected float32"),
        (PROBABILITIES[0], IMAGE, r"\(8, 9\)"),
        (PROBABILITIES[:0], IMAGE, r"\(0, 8, 9\)"),
        (PROBABILITIES, IMAGE.astype(np.float32), r"image is \(8, 9, 3\) float32, expected \(H, W, 3\) uint8"),
        (PROBABILITIES, IMAGE[..., 0], r"image is \(8, 9\) uint8"),
        (PROBABILITIES[:, :0], IMAGE[:0], r"image is \(0, 9, 3\)"),
        (PROBABILITIES * np.nan, IMAGE, "probabilities have NaN"),
    ],
)
def test_what_does_not_fit_is_refused_alike(
    name: str, probabilities: np.ndarray, image: np.ndarray, message: str
) -> None:
    with pytest.raises(CrfError, match=message):
        create_crf(CrfSettings(), name)(probabilities, image)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"iterations": -1}, "iterations: got -1, expected an integer of at least 0"),
        ({"iterations": 2.5}, "iterations: got 2.5"),
        ({"gaussian_sxy": 0}, "gaussian_sxy: got 0, expected a number of more than 0"),
        ({"bilateral_srgb": float("nan")}, "bilateral_srgb: got nan"),
        ({"bilateral_compat": -3}, "bilateral_compat: got -3, expected a number of at least 0"),
        ({"gaussian_compat": "3"}, "gaussian_compat: got '3'"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(parameters: dict, message: str) -> None:
    with pytest.raises(CrfError, match=message):
        CrfSettings(**parameters)


def test_scaled_settings_scale_positions_only() -> None:
    half = CrfSettings(bilateral_sxy=80, bilateral_srgb=13, gaussian_sxy=3).scaled(0.5)
    assert (half.bilateral_sxy, half.bilateral_srgb, half.gaussian_sxy) == (40, 13, 1.5)
