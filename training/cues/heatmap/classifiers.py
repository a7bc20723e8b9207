"""Puts the heatmap model of a configuration together: the 1000-class classifier, and those of iconic images."""

from __future__ import annotations

from pathlib import Path

from training.caches import Cache, Ingredients, contents_in, digest
from training.config import Config
from training.config.cues import Heatmaps
from training.cues.heatmap.heatmaps import HeatmapModel
from training.cues.heatmap.iconic import IconicClassifiers, iconic_images, learn_iconic_classifiers
from training.networks.backbones import MobileNetV2, read_weights, weights_file
from wsvs_ros.errors import WsvsError
from wsvs_ros.perception.labels import LabelSet


def heatmap_settings(config: Config) -> Heatmaps:
    """The section, which only another cue does without."""
    if config.heatmaps is None:
        raise WsvsError(f"{config.name}: has no section `heatmaps`, which says what classifies the frame")
    return config.heatmaps


def classifiers_made_of(config: Config, work: Path) -> Ingredients:
    """
    What the classifiers are made of.

    :param work: keeps what is known of files.
    :raises WsvsError: if weights or images are missing.
    """
    iconic = heatmap_settings(config).iconic
    with contents_in(work) as contents:
        weights = contents.of(_weights(config))
        if iconic is None:
            return {"weights": weights}
        folder = config.path(iconic.folder)
        images = digest([(name, contents.of_files(iconic_images(folder / name))) for name in iconic.classes])
    learnt = iconic.model_dump_json(exclude={"folder"})
    return {"weights": weights, "iconic images": images, "settings": digest(learnt, config.seed)}


def build_heatmap_model(config: Config, work: Path | None = None) -> HeatmapModel:
    """
    Learn the iconic classifiers and put the heatmap model together.

    :param work: keeps the classifiers; those that it has are taken. None to keep nothing.
    """
    settings, iconic = heatmap_settings(config), heatmap_settings(config).iconic
    trunk = MobileNetV2().eval()
    trunk.load_imagenet(_weights(config))
    tensors = read_weights(_weights(config))
    learnt: IconicClassifiers | None = None
    if iconic and work:
        cache, made_of = Cache(work / "iconic", "iconic classifiers", ".pt"), classifiers_made_of(config, work)
        path = cache.path("classifiers", made_of)
        if cache.lacking({"classifiers": made_of}):
            learn_iconic_classifiers(trunk, config.path(iconic.folder), iconic, seed=config.seed).save(path)
        learnt = IconicClassifiers.load(path)
    elif iconic:
        learnt = learn_iconic_classifiers(trunk, config.path(iconic.folder), iconic, seed=config.seed)
    return HeatmapModel(
        label_set=LabelSet.load(config.labels),
        trunk=trunk,
        head=(tensors["classifier.1.weight"], tensors["classifier.1.bias"]),
        foreground=settings.foreground,
        iconic=learnt,
        iconic_classes=iconic.classes if iconic else {},
        scales=settings.scales,
        weights=settings.objects,
    )


def _weights(config: Config) -> Path:
    return weights_file(config.path(heatmap_settings(config).weights or config.data.weights))
