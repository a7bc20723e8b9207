"""The offline journey in small: a rendered tagged drive in, a bundle out that segments it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

import lightning
import torch
import yaml
from random_weights import random_vgg16
from small_training import CLASSES, SIZE, steps_of, take_caches, take_data

from training import export, fit
from training.config import load_config
from training.networks.module import WeaklySupervised
from wsvs_ros.drives.synthetic import SyntheticDrive, SyntheticFrame
from wsvs_ros.evaluation.metrics import ConfusionMatrix
from wsvs_ros.perception import ModelBundle, VideoSegmenter

ROOT = Path(__file__).resolve().parents[2]


def test_learns_the_street_from_its_tags(work: Path, drive: list[SyntheticFrame], tmp_path: Path) -> None:
    assert export.main([str(work), "-o", str(tmp_path / "bundle"), "--precision", "float32"]) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    matrix = ConfusionMatrix(bundle.labels)
    with VideoSegmenter(bundle) as segmenter:
        for item in drive:
            (found,) = segmenter.push(item.frame)
            matrix.update(found.labels, item.labels)
    learnt = np.mean([matrix.per_class[name] or 0.0 for name in CLASSES])
    assert learnt > 0.35, matrix.per_class  # one class everywhere gives less than 0.1
    assert matrix.global_accuracy is not None
    assert matrix.global_accuracy > 0.6


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return state


def written(*folders: Path) -> dict[Path, int]:
    """When each file of some folders was written."""
    return {path: path.stat().st_mtime_ns for folder in folders for path in folder.rglob("*.*") if path.is_file()}


def test_caches_are_taken_and_training_goes_on(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "work"
    shutil.copytree(work, copy)
    before = written(*(copy / name for name in ("drives", "iconic", "heatmaps", "masks")))
    assert sum(path.suffix == ".npy" and path.is_relative_to(copy / "masks") for path in before) == 30
    assert fit.main([str(config), "optimiser.steps=122", "--work", str(copy)]) == 0
    assert written(*(copy / name for name in ("drives", "iconic", "heatmaps", "masks"))) == before
    assert "heatmaps: all 30 taken" in caplog.text
    assert "to make" not in caplog.text
    assert "trained 122 steps" in capsys.readouterr().out
    last = copy / "checkpoints" / "last.ckpt"
    assert steps_of(last) == 122
    learnt = [key for key, value in weights_of(work / "checkpoints" / "last.ckpt").items() if "num_batches" not in key]
    two_more = weights_of(last)
    assert not all(torch.equal(weights_of(work / "checkpoints" / "last.ckpt")[key], two_more[key]) for key in learnt)
    content = last.read_bytes()
    assert fit.main([str(config), "optimiser.steps=122", "--work", str(copy)]) == 0  # nothing is left to do
    assert last.read_bytes() == content


def test_edited_tags_are_never_taken_for_those_that_were_learnt(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The finished checkpoint is refused; the caches stay, but for the masks that follow from the tags."""
    edited, copy = take_data(config.parent, tmp_path / "data"), tmp_path / "work"
    shutil.copytree(work, copy)
    last = (copy / "checkpoints" / "last.ckpt").read_bytes()
    tags = yaml.safe_load((edited.parent / "tags.yaml").read_text())
    (clip,) = tags["street"]
    tags["street"] = [{**clip, "end": 5.0}, {**clip, "start": 5.0, "tags": ["sky", "road"]}]
    (edited.parent / "tags.yaml").write_text(yaml.safe_dump(tags))
    kept = written(copy / "drives", copy / "iconic", copy / "heatmaps" / "frames", copy / "heatmaps" / "clusters")
    caplog.clear()

    settings = [str(edited), "optimiser.steps=2", "--work", str(copy)]
    assert fit.main(settings) == 2
    said = capsys.readouterr().err
    assert f"{copy}: holds a training that learnt from other data (changed: tags of 5 samples" in said
    assert "e.g. street/000050" in said
    assert "`--anew` of training.fit moves it to" in said
    assert (copy / "checkpoints" / "last.ckpt").read_bytes() == last
    assert {path: time for path, time in written(*{path.parent for path in kept}).items() if path in kept} == kept
    assert "heatmaps: all 30 taken" in caplog.text
    assert "masks: 0 of 30 taken; 30 to make: changed: votes of all frames (25)" in caplog.text

    assert fit.main([*settings, "--anew"]) == 0
    assert (copy / "earlier" / "1" / "checkpoints" / "last.ckpt").read_bytes() == last
    assert (copy / "earlier" / "1" / "log.jsonl").is_file()
    assert steps_of(copy / "checkpoints" / "last.ckpt") == 2
    assert fit.main(settings) == 0
    assert fit.main([str(config), "optimiser.steps=2", "--work", str(copy)]) == 2  # and back again is another one, too


def test_other_images_weights_or_iconic_images_are_named(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited, copy = take_data(config.parent, tmp_path / "data"), tmp_path / "work"
    shutil.copytree(work, copy)
    (image,) = list((edited.parent / "iconic" / "sky").iterdir())[:1]
    image.unlink()
    assert fit.main([str(edited), "--work", str(copy)]) == 2
    assert "changed: iconic images of 30 samples" in capsys.readouterr().err


def test_a_run_that_was_interrupted_ends_where_a_whole_one_does(config: Path, work: Path, tmp_path: Path) -> None:
    """SIGTERM in the middle: a checkpoint is written, the next call goes on, and the weights are the same bits."""
    settings = [str(config), "optimiser.steps=40", "losses.crf=0.1", "runtime.checkpoint_every=7"]
    for name in ("whole", "halved"):
        take_caches(work, tmp_path / name)
    assert fit.main([*settings, "--work", str(tmp_path / "whole")]) == 0

    log = tmp_path / "halved" / "log.jsonl"
    command = [
        sys.executable,
        "-m",
        "training.fit",
        *settings,
        "runtime.log_every=1",
        "--work",
        str(tmp_path / "halved"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not (log.is_file() and len(log.read_text().splitlines()) >= 9):
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "run again to go on" in errors
    stopped = steps_of(tmp_path / "halved" / "checkpoints" / "last.ckpt")
    assert 9 <= stopped < 40
    assert f"stopped at step {stopped} of 40" in errors

    assert fit.main([*settings, "--work", str(tmp_path / "halved")]) == 0
    whole, halved = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True) for name in ("whole", "halved")
    )
    assert whole["global_step"] == halved["global_step"] == 40
    assert all(torch.equal(value, halved["state_dict"][key]) for key, value in whole["state_dict"].items())
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert sorted(set(steps)) == steps


def test_another_configuration_does_not_go_on_in_a_work_directory(
    work: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main([str(config), "losses.tag=0.3", "seed=4", "--work", str(work)]) == 2
    told = capsys.readouterr().err
    assert f"{work}: holds a training by other settings (losses.tag: 0.1, now 0.3; seed: 0, now 4)" in told
    assert "another --work" in told


def test_held_out_frames_choose_the_best_and_are_drawn(config: Path, work: Path, tmp_path: Path) -> None:
    take_caches(work, tmp_path)
    settings = ["validation.share=0.2", "validation.every=3", "validation.pictures=2", "optimiser.steps=9"]
    assert fit.main([str(config), *settings, "runtime.log_every=3", "--work", str(tmp_path)]) == 0
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    measured = {line["step"]: line["validation_loss"] for line in lines if "validation_loss" in line}
    assert len(measured) == 3
    assert all(0 <= line["validation_mask_miou"] <= 1 for line in lines if "validation_mask_miou" in line)
    assert [line["step"] for line in lines if "loss" in line] == [2, 5, 8]
    best = min(measured, key=lambda step: measured[step])
    assert steps_of(tmp_path / "checkpoints" / "best.ckpt") == best + 1
    pictures = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in pictures] == ["step-000003.png", "step-000006.png", "step-000009.png"]
    assert cv2.imread(str(pictures[0])).shape == (2 * 120, 3 * 160, 3)
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_more_steps_are_learnt_at_the_rate_of_the_longer_run(config: Path, work: Path, tmp_path: Path) -> None:
    """What was learnt to the end, at a rate that fell to nothing, goes on."""
    shutil.copytree(work, tmp_path / "work")
    last = tmp_path / "work" / "checkpoints" / "last.ckpt"
    before = torch.load(last, weights_only=True)
    steps = int(before["global_step"])
    assert fit.main([str(config), f"optimiser.steps={steps + 2}", "--work", str(tmp_path / "work")]) == 0
    after = torch.load(last, weights_only=True)
    assert after["global_step"] == steps + 2
    moved = {k: (v - before["state_dict"][k]).abs().max() for k, v in after["state_dict"].items()}
    rate = load_config(config).optimiser.head_lr * (2 / (steps + 2)) ** 0.9  # AdamW's first step is about its rate
    assert max(moved.values()) > 0.2 * rate


def test_two_processes_learn_one_network(config: Path, work: Path, tmp_path: Path) -> None:
    """DDP with gloo, as torchrun starts it: one checkpoint, one log, and no shared file is written twice."""
    take_caches(work, tmp_path)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29517"]
    command += ["-m", "training.fit", str(config), "optimiser.steps=6", "optimiser.batch_size=2", "threads=1"]
    command += ["runtime.accelerator=cpu", "validation.share=0.1", "validation.every=3", "runtime.log_every=2"]
    sgd = ["optimiser.algorithm=sgd"]  # moves by the gradients' size, where AdamW would move by their sign
    command += sgd
    done = subprocess.run([*command, "--work", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert steps_of(tmp_path / "checkpoints" / "last.ckpt") == 6
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 3, 5]
    together = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    # the mean of two processes' gradients over 2 samples each is that of one over the same 4
    take_caches(work, tmp_path / "alone")
    alone_settings = ["optimiser.steps=6", "optimiser.batch_size=4", "validation.share=0.1", "validation.every=3", *sgd]
    assert fit.main([str(config), *alone_settings, "--work", str(tmp_path / "alone")]) == 0
    alone = torch.load(tmp_path / "alone" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    lightning.seed_everything(load_config(config).seed)
    begun = WeaklySupervised(load_config(config)).state_dict()
    keys = [key for key in alone if alone[key].is_floating_point() and key in begun]
    moved = sum((alone[key] - begun[key]).square().sum() for key in keys).sqrt()
    apart = sum((together[key] - alone[key]).square().sum() for key in keys).sqrt()
    assert moved > 0
    assert apart < 0.02 * moved  # one process's gradients alone end 0.5 away, and more


def test_an_unreadable_image_stops_or_is_left_out(
    config: Path, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    root = config.parent
    for number in range(4):
        shutil.copy(sorted((root / "street").glob("*.png"))[number], images / f"{number}.png")
    (images / "1.png").write_bytes(b"no picture")
    tags = {f"{number}.png": [*CLASSES, "car"] for number in range(5)}  # the fifth is missing
    (tmp_path / "tags.json").write_text(json.dumps(tags))
    data = [f"data.images=[{{images: {images}, tags: {tmp_path / 'tags.json'}}}]", "data.drives=[]"]
    settings = [str(config), *data, "optimiser.steps=3", "optimiser.batch_size=1", "--work", str(tmp_path / "work")]
    assert fit.main(settings) == 2
    assert "4.png: no such image" in capsys.readouterr().err
    (images / "4.png").write_bytes((images / "0.png").read_bytes())
    assert fit.main(settings) == 2
    assert "1.png: not a readable image" in capsys.readouterr().err
    (images / "4.png").unlink()
    assert fit.main([*settings, "data.on_error=skip"]) == 0
    assert "1.png: not a readable image" in caplog.text
    assert "4.png: no such image" in caplog.text
    assert "1 of 4 samples have no mask and are not learnt from (1: its image cannot be read)" in caplog.text
    assert len(list((tmp_path / "work").glob("masks/*/*/*.npy"))) == 3


def test_tags_alone_and_one_stream_learn_by_the_same_path(config: Path, tmp_path: Path) -> None:
    settings = ["streams=appearance", "losses.heatmap=0", "optimiser.steps=3", "--work", str(tmp_path)]
    assert fit.main([str(config), *settings]) == 0
    assert not (tmp_path / "heatmaps").exists()
    state = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert not [key for key in state if "motion" in key or "fusion" in key]
    assert export.main([str(tmp_path), "-o", str(tmp_path / "bundle"), "--precision", "float32"]) == 0
    with VideoSegmenter(ModelBundle.load(tmp_path / "bundle")) as segmenter:
        (found,) = segmenter.push(next(iter(SyntheticDrive(SIZE, frames=1, seed=5, fps=10).truth())).frame)
    assert found.labels.shape == SIZE[::-1]


def test_a_teacher_labels_the_frames_for_the_network(config: Path, tmp_path: Path) -> None:
    settings = [str(config), "self_training.rounds=2", "self_training.scales=[1.0]", "optimiser.steps=4"]
    assert fit.main([*settings, "--work", str(tmp_path)]) == 0
    teachers = sorted(path.parents[1].name for path in tmp_path.glob("teachers/*/checkpoints/last.ckpt"))
    labels = {path.name: sorted(path.rglob("*.npy")) for path in (tmp_path / "pseudo_labels").iterdir()}
    (masks,) = (path.name for path in (tmp_path / "masks").iterdir())
    assert len(teachers) == len(labels) == 2
    assert teachers[0] == f"0-{masks}"  # the first learns from the heatmaps, the second from the first
    assert teachers[1].removeprefix("1-") in labels
    for frames in labels.values():
        assert len(frames) == 30
        assert np.load(frames[0]).shape == (15, 20)
        assert {int(k) for path in frames for k in np.unique(np.load(path))} <= {*range(11), 255} - {10}  # no cyclist

    # as if the last labels had been interrupted half way: the rest is made again, the first half is not
    folder = next(path for path in frames[0].parents if path.parent.name == "pseudo_labels")
    made = {path: path.read_bytes() for path in frames}
    each = {path.stat().st_ino: path for path in (tmp_path / "answers").rglob("*.npy")}
    half = [each[path.stat().st_ino] for path in frames[15:]]
    shutil.rmtree(folder)
    for path in half:
        path.unlink()
    kept = {path: time for path, time in written(tmp_path / "answers").items() if path.suffix == ".npy"}
    assert fit.main([*settings, "--work", str(tmp_path)]) == 0
    assert {path: path.read_bytes() for path in made} == made
    assert {path: time for path, time in written(tmp_path / "answers").items() if path in kept} == kept

    before = {path: path.stat().st_mtime_ns for path in [*tmp_path.glob("teachers/*/checkpoints/*"), *frames]}
    assert fit.main([*settings, "--work", str(tmp_path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_interrupted_teacher_goes_on_where_it_was(config: Path, tmp_path: Path) -> None:
    settings = [str(config), "self_training.rounds=1", "self_training.scales=[1.0]"]
    assert fit.main([*settings, "optimiser.steps=3", "--work", str(tmp_path)]) == 0
    (teacher,) = (tmp_path / "teachers").iterdir()
    third = weights_of(teacher / "checkpoints" / "last.ckpt")
    assert fit.main([*settings, "optimiser.steps=5", "--work", str(tmp_path)]) == 0
    assert [path.name for path in (tmp_path / "teachers").iterdir()] == [teacher.name]
    last = teacher / "checkpoints" / "last.ckpt"
    assert steps_of(last) == 5
    assert any(not torch.equal(value, third[key]) for key, value in weights_of(last).items() if "weight" in key)
    assert len(list((tmp_path / "pseudo_labels").iterdir())) == 2  # each state of the teacher has labels of its own


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("data.weights=none.pt", "none.pt: no such weights file"),
        ("heatmaps.iconic.folder=none", "none/building: no readable images of iconic class 'building'"),
        ("data.drives=[]", "names no data"),
        ("data.drives=[{tags: none.yaml}]", "none.yaml: cannot be read"),
        ("labels=cityscapes19", "label set cityscapes19"),
    ],
)
def test_data_errors_name_the_file(
    config: Path, tmp_path: Path, override: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main([str(config), override, "--work", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_a_checkpoint_that_is_none(
    work: Path, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.ckpt").write_bytes(b"nothing")
    assert fit.main([str(config), "--work", str(work), "--resume", str(tmp_path / "bad.ckpt")]) == 2
    assert "bad.ckpt: not a checkpoint to resume from" in capsys.readouterr().err
    assert export.main([str(work), "-o", str(tmp_path / "b"), "--checkpoint", str(tmp_path / "bad.ckpt")]) == 2
    assert "bad.ckpt: not a checkpoint" in capsys.readouterr().err


def test_vgg16_learns_by_the_same_path(config: Path, tmp_path: Path) -> None:
    """The papers' backbone: its own weights, the heatmaps from the light classifier; two small steps."""
    vgg = random_vgg16(tmp_path / "vgg16.pt")
    settings = ["backbone=vgg16", f"data.weights={vgg}", "heatmaps.weights=weights.safetensors", "optimiser.steps=2"]
    settings += ["optimiser.batch_size=1", "augmentation.crop=[64, 64]", "working_size=[96, 72]"]
    assert fit.main([str(config), *settings, "--work", str(tmp_path)]) == 0
    assert (tmp_path / "checkpoints" / "last.ckpt").stat().st_size > 50e6
