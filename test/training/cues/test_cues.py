"""Each cue from the masks of its frames to a trained network, on a street in which a car drives by."""

from __future__ import annotations

import json
import logging
import shutil
import time
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
for package in ("lightning", "maxflow", "skimage"):
    pytest.importorskip(package, reason=f"training needs {package}: pip install 'wsvs_ros[train]'")

from moving_car import iou, render_passing_car, write_frames  # noqa: E402
from random_weights import random_mobilenet  # noqa: E402
from small_training import steps_of  # noqa: E402

from training import fit, look  # noqa: E402
from training.caches import left_out_of  # noqa: E402
from training.config import load_config  # noqa: E402
from training.config.configuration import CueName  # noqa: E402
from training.cues.builtin import localisation  # noqa: E402
from training.cues.builtin.cam import balanced_cross_entropy  # noqa: E402
from training.cues.motion import masks as motion_stage  # noqa: E402
from training.cues.motion.fine_tuning import best_shots  # noqa: E402
from training.cues.motion.masks import make_motion_masks  # noqa: E402
from training.cues.registry import CUES, cue_of  # noqa: E402
from training.networks.marks import BACKGROUND, FOREGROUND, NONE  # noqa: E402
from training.networks.module import load_checkpoint  # noqa: E402
from training.running.stages import load_samples  # noqa: E402
from wsvs_ros.errors import WsvsError  # noqa: E402

SIZE = (320, 240)
BACKGROUND_TAGS = ["road", "building", "sky", "sidewalk"]
CAR = 8  # of camvid11


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """(24, 240, 320) bool, the car."""
    return render_passing_car(SIZE)[1]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drives, one with a car and one without, their tags in the configuration."""
    root = tmp_path_factory.mktemp("street")
    write_frames(root / "drives" / "car", render_passing_car(SIZE)[0])
    write_frames(root / "drives" / "empty", render_passing_car(SIZE, car=False)[0])
    random_mobilenet(root / "weights.safetensors")
    clips = {
        "car": [{"start": 0, "end": 3, "tags": [*BACKGROUND_TAGS, "car"]}],
        "empty": [{"start": 0, "end": 3, "tags": BACKGROUND_TAGS}],
    }
    content = {
        "name": "street",
        "working_size": list(SIZE),
        "streams": "appearance",
        "window": {"length": 1},
        "foreground": ["car"],
        "data": {
            "root": str(root),
            "weights": "weights.safetensors",
            "drives": [{"folder": "drives", "clips": clips, "step": 3, "fps": 10}],
        },
        "optimiser": {"steps": 4, "batch_size": 4},
        "losses": {"tag": 0.1},
        "augmentation": {"crop": [128, 96], "scale": [0.8, 1.1]},
        "runtime": {"workers": 0, "log_every": 1},
        "builtin": {"localisation": {"steps": 4, "batch_size": 4, "size": [96, 64]}},
    }
    path = root / "street.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def work(street: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Caches that the tests share."""
    return tmp_path_factory.mktemp("work")


def test_the_table_has_every_cue_that_a_configuration_can_name() -> None:
    assert set(CUES) == set(get_args(CueName))


def folder_of(street: Path, work: Path, cue: str) -> Path:
    config = load_config(street, [f"cue={cue}"])
    folder = cue_of(config).make_masks(config, load_samples(config, work), work)
    assert folder is not None
    return folder


def masks_of(street: Path, work: Path, cue: str) -> dict[str, np.ndarray]:
    folder = folder_of(street, work, cue)
    return {str(path.relative_to(folder).with_suffix("")): np.load(path) for path in sorted(folder.rglob("*.npy"))}


def test_motion_marks_the_car_and_leaves_the_empty_street_out(street: Path, work: Path, truth: np.ndarray) -> None:
    found = masks_of(street, work, "motion")
    assert sorted(found) == [f"car/{number:06d}" for number in range(0, 24, 3)]
    for number, mask in zip(range(0, 24, 3), found.values(), strict=True):
        assert set(np.unique(mask)) == {FOREGROUND, BACKGROUND}
        assert iou(mask == FOREGROUND, truth[number]) > 0.8
    left_out = left_out_of(folder_of(street, work, "motion"))
    assert sorted(left_out) == [f"empty/{number:06d}" for number in range(0, 24, 3)]
    assert set(left_out.values()) == {"motion is not reliable there, by motion.segmentation's least, most and frames"}


def test_what_is_segmented_is_not_segmented_again(street: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks_of(street, work, "motion")
    before = {path: path.stat().st_mtime_ns for path in work.rglob("motion/**/*.np[yz]")}
    (empty,) = work.rglob("shots/empty/*.npz")
    empty.unlink()  # as if the run had been interrupted in the second shot
    time.sleep(0.01)
    masks_of(street, work, "motion")
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path for path in before if before[path] != after[path]] == [empty]
    monkeypatch.setattr(motion_stage, "run_jobs", lambda _function, jobs, **_: {} if not jobs else 1 / 0)
    config = load_config(street, ["cue=motion", "motion.segmentation.frames=25"])
    with pytest.raises(WsvsError, match="in none of 2 shots"):  # other frames are relied on, of the same segments
        make_motion_masks(config, load_samples(config, work), work)


def test_nothing_that_moves_is_an_error_that_says_what_would_do(street: Path, work: Path) -> None:
    config = load_config(street, ["cue=motion", "motion.segmentation.least=0.9", "motion.segmentation.most=0.95"])
    with pytest.raises(WsvsError, match="in none of 2 shots does a part of the frame move by itself"):
        make_motion_masks(config, load_samples(config, work), work)


@pytest.mark.parametrize(
    ("cue", "accepted"),
    [("builtin", {FOREGROUND, BACKGROUND}), ("cam", {CAR, BACKGROUND}), ("multi_class", {CAR, BACKGROUND})],
)
def test_builtin_masks_know_objects_of_the_tags_only(street: Path, work: Path, cue: str, accepted: set[int]) -> None:
    found = masks_of(street, work, cue)
    assert len(found) == 16
    assert {int(value) for mask in found.values() for value in np.unique(mask)} <= accepted
    if cue != "builtin":
        empty = [mask for key, mask in found.items() if key.startswith("empty")]
        assert all((mask == BACKGROUND).all() for mask in empty)


def test_an_interrupted_stage_goes_on_with_what_is_missing(street: Path, work: Path) -> None:
    folder = folder_of(street, work, "builtin")
    masks = {path: path.read_bytes() for path in folder.rglob("*.npy")}
    files = {path.stat().st_ino for path in masks}
    each = sorted(path for path in (work / "builtin").rglob("*.npy") if path.stat().st_ino in files)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in each}
    assert len(before) == 16
    missing = list(before)[::2]
    for path in missing:
        path.unlink()
    shutil.rmtree(folder)
    assert folder_of(street, work, "builtin") == folder
    assert {path: path.read_bytes() for path in folder.rglob("*.npy")} == masks
    for path, (written, content) in before.items():
        assert path.read_bytes() == content
        assert (path.stat().st_mtime_ns == written) == (path not in missing)


def test_tags_touch_only_the_masks_that_ask_for_them(
    street: Path, work: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of one drive's tags: its own masks, and all where a network has learnt from them."""
    caplog.set_level(logging.INFO)
    content = yaml.safe_load(street.read_text())
    clips = content["data"]["drives"][0]["clips"]
    clips["car"] = [{**clips["car"][0], "end": 1.5}, {**clips["car"][0], "start": 1.5, "tags": BACKGROUND_TAGS}]
    edited = street.with_name("edited.yaml")
    edited.write_text(yaml.safe_dump(content))
    for cue, said in (
        ("builtin", "builtin masks: all 16 taken"),
        ("motion", "motion segments of shots: all 2 taken"),
        ("multi_class", "localisation network: 0 of 1 taken; 1 to make: changed: tags"),
    ):
        folder_of(street, work, cue)
        caplog.clear()
        folder_of(edited, work, cue)
        assert said in caplog.messages
        assert ": all 2 taken" in caplog.messages[0]


def test_an_interrupted_localisation_network_goes_on(
    street: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps and two are the same as four."""
    config = load_config(street, ["cue=cam"])
    samples = load_samples(config, work)
    whole = localisation.learn_localisation(config, samples, tmp_path / "whole")
    monkeypatch.setattr(localisation, "_KEEP_EVERY", 2)
    calls = 0

    def stop_at_the_third(*arguments: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return balanced_cross_entropy(*arguments)

    monkeypatch.setattr(localisation, "balanced_cross_entropy", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        localisation.learn_localisation(config, samples, tmp_path / "parts")
    parts = localisation.learn_localisation(config, samples, tmp_path / "parts")
    assert calls == 3 + 2
    one, other = (torch.load(path, weights_only=True)["network"] for path in (whole, parts))
    for key, value in one.items():
        assert torch.allclose(value, other[key], atol=1e-6), key
    assert localisation.learn_localisation(config, samples, tmp_path / "parts") == parts
    assert calls == 5  # nothing left to do


def test_tags_that_tell_nothing_apart_are_refused(street: Path, work: Path) -> None:
    config = load_config(street, ["cue=cam", "foreground=[pedestrian]"])
    with pytest.raises(WsvsError, match="every frame has the same foreground tags"):
        cue_of(config).make_masks(config, load_samples(config, work), work)


@pytest.mark.parametrize("cue", ["builtin", "multi_class", "motion", "em_adapt"])
def test_a_network_learns_by_each_cue(street: Path, work: Path, tmp_path: Path, cue: str) -> None:
    settings = [f"cue={cue}", "optimiser.steps=24", "augmentation.scale=[1.0, 1.0]", "augmentation.crop=[160, 120]"]
    config = load_config(street, settings)
    checkpoint = fit.fit(config, tmp_path, caches=work)
    assert steps_of(checkpoint) == 24
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line[cue] for line in log if cue in line]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-6:]) < 0.8 * np.mean(losses[:6])
    assert fit.fit(config, tmp_path, caches=work) == checkpoint  # nothing left to do


def test_teachers_may_learn_by_any_cue(street: Path, work: Path, tmp_path: Path) -> None:
    """What they label is learnt from as masks of heatmaps are."""
    config = load_config(street, ["cue=em_adapt", "self_training.rounds=1", "self_training.scales=[1.0]"])
    assert steps_of(fit.fit(config, tmp_path, caches=work)) == 4
    assert [path.name for path in (tmp_path / "teachers").iterdir()] == ["0-em_adapt"]


def test_fine_tuning_takes_the_shot_that_network_and_motion_agree_on(street: Path, work: Path, tmp_path: Path) -> None:
    settings = ["cue=motion", "motion.fine_tune.steps=2", "motion.fine_tune.overlap=0.0"]
    config = load_config(street, settings)
    assert steps_of(fit.fit(config, tmp_path, caches=work)) == 2
    coarse = tmp_path / "coarse" / "checkpoints" / "last.ckpt"
    assert steps_of(coarse) == 4
    samples = load_samples(config, work)
    masks = make_motion_masks(config, samples, work)
    kept = [sample for sample in samples if (masks / f"{sample.key}.npy").is_file()]
    module = load_checkpoint(config, coarse)
    assert {sample.shot.name for sample in best_shots(module, kept, masks, least=0.0) if sample.shot} == {"car/000000"}
    with pytest.raises(WsvsError, match="in none of 1 shots"):
        best_shots(module, kept, masks, least=1.0)


def test_masks_are_shown(street: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [str(street), "cue=builtin", "--work", str(work), "-o", str(tmp_path), "--frames", "3"]
    assert look.main(settings) == 0
    assert "3 pictures" in capsys.readouterr().out
    pictures = sorted(tmp_path.rglob("*.png"))
    assert len(pictures) == 3
    assert cv2.imread(str(pictures[0])).std() > 10
    assert look.main([str(street), "cue=builtin", "--work", str(work), "--frames", "0"]) == 0  # the masks alone
    assert not (work / "look").exists()
    assert look.main([str(street), "cue=em_adapt", "--work", str(work)]) == 2
    assert "has no masks" in capsys.readouterr().err


def test_objects_have_to_be_named_where_no_class_is_the_background(street: Path, tmp_path: Path) -> None:
    with pytest.raises(WsvsError, match="say which of its classes are objects"):
        fit.fit(load_config(street, ["cue=builtin", "foreground=[]"]), tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_a_lone_image_has_no_motion(street: Path, work: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((240, 320, 3), np.uint8))
    (tmp_path / "tags.json").write_text(json.dumps({"a.png": ["car", "road"]}))
    images = f"data.images=[{{images: {tmp_path}/images, tags: {tmp_path}/tags.json}}]"
    config = load_config(street, ["cue=motion", images])
    folder = make_motion_masks(config, load_samples(config, work), work)
    (lone,) = folder.rglob("a.npy")
    assert (np.load(lone) == NONE).all()
    config = load_config(street, ["cue=motion", images, "data.drives=[]"])
    with pytest.raises(WsvsError, match="the data is single images"):
        make_motion_masks(config, load_samples(config, work), work)
