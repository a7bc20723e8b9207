"""The heads with DeepLab's fields of view (BP 4.2.1, MC 4.3): what they see, what they begin with, what they export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")
pytest.importorskip("lightning", reason="training needs lightning: pip install 'wsvs_ros[train]'")

from random_weights import random_mobilenet, random_vgg16  # noqa: E402
from small_training import SIZE  # noqa: E402

from training import fit  # noqa: E402
from training.config import Config, load_config  # noqa: E402
from training.export import main as export_main  # noqa: E402
from training.networks.backbones import Vgg16, WeightsError, read_weights  # noqa: E402
from training.networks.backbones.weights import decimate  # noqa: E402
from training.networks.deployed import Deployed, to_onnx  # noqa: E402
from training.networks.module import WeaklySupervised, load_checkpoint  # noqa: E402
from training.networks.two_stream import build_network  # noqa: E402
from training.running.bundle import export  # noqa: E402
from wsvs_ros.drives.synthetic import SyntheticDrive  # noqa: E402
from wsvs_ros.perception import EngineOptions, ModelBundle, VideoSegmenter, create_engine  # noqa: E402

LIGHT = Path(__file__).resolve().parents[3] / "training" / "configs" / "light.yaml"
SMALL = ["working_size=[64, 48]", "window.length=2"]
BOTH = pytest.mark.parametrize("backbone", ["mobilenet_v2", "vgg16"])
HEADS = pytest.mark.parametrize("head", ["small_fov", "large_fov"])


@pytest.fixture(scope="module")
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return random_vgg16(tmp_path_factory.mktemp("weights") / "vgg.pt", classifier=True)


def _reach(layers: torch.nn.Module, channels: int, *, upright: bool) -> set[int]:
    """How far from a column (or row) of features that changes the columns (rows) of the output change with it."""
    shape = (1, channels, 41, 5) if upright else (1, channels, 5, 41)
    still, changed = torch.zeros(shape), torch.zeros(shape)
    changed.select(2 if upright else 3, 20).fill_(1)
    with torch.no_grad():
        differs = (layers(still) != layers(changed)).any(1)[0].any(1 if upright else 0)
    return {int(cell) - 20 for cell in differs.nonzero()}


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize(
    ("head", "pixels", "taps"), [("small_fov", 128, (-6, -2, 2, 6)), ("large_fov", 224, (-12, 0, 12))]
)
def test_vgg16s_heads_see_128_and_224_pixels(head: str, pixels: int, taps: tuple[int, ...], upright: bool) -> None:
    torch.manual_seed(0)
    seen = _reach(Vgg16(output_stride=8, top=head).eval().top, 512, upright=upright)
    assert seen == {tap + pooled for tap in taps for pooled in (-1, 0, 1)}
    assert abs(8 * (max(seen) - min(seen) + 1) - pixels) <= 8  # to within a cell


@HEADS
def test_mobilenets_head_looks_as_far_around(head: str) -> None:
    torch.manual_seed(0)
    network = build_network("mobilenet_v2", classes=3, window_length=1, weights=None, motion=False, head=head)
    dilation = {"small_fov": 3, "large_fov": 6}[head]
    assert network.context is not None
    assert _reach(network.context, 320, upright=True) == {-dilation, 0, dilation}
    assert network.appearance_scores.in_channels == 256


def test_vgg16s_last_stage_keeps_its_reach_at_stride_8() -> None:
    torch.manual_seed(0)
    coarse, fine = Vgg16(), Vgg16(output_stride=8)
    assert [max(_reach(network.layers[4][1:], 512, upright=True)) for network in (coarse, fine)] == [3, 6]
    with torch.no_grad():
        maps = fine.features(torch.zeros(1, 3, 50, 66))
    assert {stride: tuple(found.shape[1:]) for stride, found in maps.items()} == {
        1: (64, 50, 66),
        2: (128, 25, 33),
        4: (256, 13, 17),
        8: (512, 7, 9),
    }


@HEADS
@BOTH
def test_scores_have_stride_8_with_one_stream_or_two(backbone: str, head: str) -> None:
    for motion in (False, True):
        network = build_network(backbone, classes=3, window_length=1, weights=None, motion=motion, head=head).eval()
        image, flow = torch.rand(1, 3, 50, 66) * 255, torch.randn(1, 2, 50, 66)
        scores = network(image, flow)
        assert scores.shape == (1, 3, 7, 9)
        assert torch.equal(scores, network(image, -flow)) != motion
    scores[:, 0].mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_decimation_keeps_the_ends_and_even_steps() -> None:
    kernel = torch.arange(49).reshape(7, 7)
    assert decimate(kernel, (4, 4)).tolist() == [[0, 2, 4, 6], [14, 16, 18, 20], [28, 30, 32, 34], [42, 44, 46, 48]]
    assert decimate(kernel, (3, 3)).tolist() == [[0, 3, 6], [21, 24, 27], [42, 45, 48]]
    assert torch.equal(decimate(kernel, (7, 7)), kernel)
    filters = decimate(torch.arange(4096), (1024,))
    assert (filters[0], filters[-1]) == (0, 4095)
    assert set(filters.diff().tolist()) == {4, 5}


@pytest.mark.parametrize(("head", "kept"), [("small_fov", [0, 2, 4, 6]), ("large_fov", [0, 3, 6])])
def test_heads_begin_with_the_classifiers_weights(vgg: Path, head: str, kept: list[int]) -> None:
    network = build_network(
        "vgg16", classes=3, window_length=1, weights=vgg, motion=False, head=head, shared={2: (5, 8)}
    )
    sixth, seventh = [module for module in network.appearance.top if isinstance(module, torch.nn.Conv2d)]
    known = read_weights(vgg)
    filters = torch.arange(4096) if head == "small_fov" else torch.arange(1024) * 4095 // 1023
    fc6 = known["classifier.0.weight"].reshape(4096, 512, 7, 7)
    for row, y in enumerate(kept):
        for column, x in enumerate(kept):
            assert torch.equal(sixth.weight[:, :, row, column], fc6[filters, :, y, x])
    assert torch.equal(sixth.bias, known["classifier.0.bias"][filters])
    assert torch.equal(seventh.weight[:, :, 0, 0], known["classifier.3.weight"][filters][:, filters])
    assert torch.equal(seventh.bias, known["classifier.3.bias"][filters])
    scores = network.appearance_scores
    assert torch.allclose(scores.weight[2, :, 0, 0], known["classifier.6.weight"][[5, 8]].mean(0)[filters])
    assert torch.allclose(scores.bias[2], known["classifier.6.bias"][[5, 8]].mean())
    assert scores.weight[:2].std().item() == pytest.approx(0.1, rel=0.1)
    assert scores.bias[:2].tolist() == [0, 0]
    alone = build_network("vgg16", classes=3, window_length=1, weights=vgg, motion=False, head=head)
    assert alone.appearance_scores.weight.std().item() == pytest.approx(0.01, rel=0.1)


def test_weights_that_are_no_vgg16s_are_refused(vgg: Path, tmp_path: Path) -> None:
    for key, other, says in (
        ("classifier.0.weight", torch.zeros(4096, 512), r"classifier\.0\.weight has shape \(4096, 512\)"),
        ("classifier.6.weight", torch.zeros(20, 4096), r"classifier\.6\.weight has shape \(20, 4096\), \(1000, 4096\)"),
    ):
        path = tmp_path / "other.pt"
        torch.save({**read_weights(vgg), key: other}, path)
        with pytest.raises(WeightsError, match=rf"other\.pt: tensor {says}"):
            build_network(
                "vgg16", classes=3, window_length=1, weights=path, motion=False, head="large_fov", shared={1: (3,)}
            )


def _config(backbone: str, head: str, *more: str) -> Config:
    return load_config(LIGHT, [*SMALL, f"backbone={backbone}", f"head={head}", "optimiser.frozen_blocks=0", *more])


def test_what_is_new_learns_by_its_own_rate(vgg: Path, tmp_path: Path) -> None:
    mobilenet = random_mobilenet(tmp_path / "w.safetensors")
    for backbone, weights in (("vgg16", vgg), ("mobilenet_v2", mobilenet)):
        config = _config(backbone, "large_fov", "streams=appearance", f"data.weights={weights}", "heatmaps.iconic=null")
        module = WeaklySupervised(config)
        pretrained, new = (
            {id(p) for p in group["params"]} for group in module.configure_optimizers()["optimizer"].param_groups
        )
        network = module.network
        assert {id(p) for p in network.appearance.parameters()} == pretrained
        assert {id(p) for p in network.appearance_scores.parameters()} <= new
        if network.context is not None:
            assert {id(p) for p in network.context.parameters()} <= new


@BOTH
def test_the_exported_network_gives_what_it_gave(backbone: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = WeaklySupervised(_config(backbone, "large_fov"), pretrained=False)
    for layer in module.network.modules():  # so that scores differ from place to place
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    bundle = export(module, tmp_path / "bundle", trained_on=("noise",))
    image = np.random.default_rng(0).integers(0, 256, (3, 48, 64), np.uint8)
    flow = np.random.default_rng(1).normal(0, 2, (4, 48, 64)).astype(np.float32)
    with torch.no_grad():
        expected = Deployed(module.network)(torch.from_numpy(image)[None], torch.from_numpy(flow)[None])[0].numpy()
    assert expected.std((1, 2)).max() > 1e-3
    for engine in ("onnxruntime", "torch"):
        found = create_engine(bundle, EngineOptions(engine, providers=("cpu",))).infer(image, flow)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_small_fields_graph_gives_what_the_network_gave() -> None:
    import onnxruntime

    torch.manual_seed(0)
    config = _config("vgg16", "small_fov", "streams=appearance")
    network = Deployed(WeaklySupervised(config, pretrained=False).network.to(memory_format=torch.contiguous_format))
    session = onnxruntime.InferenceSession(to_onnx(network.eval(), config), providers=["CPUExecutionProvider"])
    image = torch.randint(0, 256, (1, 3, 48, 64), dtype=torch.uint8)
    with torch.no_grad():
        expected = network(image, torch.zeros(1, 4, 48, 64)).numpy()
    inputs = {"image": image.numpy(), "flow": np.zeros((1, 4, 48, 64), np.float32)}
    found = session.run(None, {item.name: inputs[item.name] for item in session.get_inputs()})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "head", "precisions"),
    [("mobilenet_v2", "small_fov", ("float32", "float16", "int8")), ("vgg16", "large_fov", ("float32",))],
)
def test_tags_teach_it_and_the_car_runs_it(
    backbone: str, head: str, precisions: tuple[str, ...], vgg: Path, config: Path, tmp_path: Path
) -> None:
    weights = [f"data.weights={vgg}"] if backbone == "vgg16" else []
    settings = [f"backbone={backbone}", f"head={head}", "streams=appearance", "losses.heatmap=0", *weights]
    settings += ["working_size=[80, 60]", "augmentation.crop=[64, 48]"]
    steps = ["optimiser.steps=2", "optimiser.batch_size=2", "optimiser.frozen_blocks=0"]
    assert fit.main([str(config), *settings, *steps, "--work", str(tmp_path)]) == 0
    begun = WeaklySupervised(load_config(config, settings)).network.state_dict()
    learnt = load_checkpoint(load_config(config, settings), tmp_path / "checkpoints" / "last.ckpt").network.state_dict()
    changed = {key.split(".")[0] for key in learnt if not torch.equal(learnt[key], begun[key])}
    assert changed >= {"appearance", "appearance_scores"}
    arguments = [str(tmp_path), "-o", str(tmp_path / "bundle"), "--precision", *precisions]
    assert export_main(arguments) == 0
    bundle = ModelBundle.load(tmp_path / "bundle")
    assert set(bundle.models) >= {*precisions, "program"}
    with VideoSegmenter(bundle) as segmenter:
        (found,) = segmenter.push(next(iter(SyntheticDrive(SIZE, frames=1, seed=5, fps=10))))
    assert found.labels.shape == SIZE[::-1]
