"""Where cells lie: the same place of the image whatever its size, and maps laid over one another exactly."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'wsvs_ros[train]'")

from torch import Tensor, nn  # noqa: E402

from training.cues.heatmap.heatmaps import HeatmapModel  # noqa: E402
from training.networks.backbones import MobileNetV2  # noqa: E402
from training.networks.grids import cells, lay_over, look_up  # noqa: E402
from training.networks.two_stream import STRIDE, TwoStreamNet, build_network  # noqa: E402
from training.running.pseudo_labels import pseudo_labels  # noqa: E402
from wsvs_ros.perception.crf import CrfSettings  # noqa: E402
from wsvs_ros.perception.labels import LabelSet  # noqa: E402

# width, height: crops, whole frames, a teacher's views of them, a heatmap's, sides that no stride divides
SIZES = [(288, 224), (480, 360), (360, 270), (600, 450), (333, 251)]
SMALL = [(128, 96), (104, 88), (118, 86), (93, 75)]  # the same remainders, for what takes long


def see_one_place(network: nn.Module) -> nn.Module:
    """Weights by which each layer passes on the middle of what it sees, and no activation that could hide it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
            middle = module.kernel_size[0] // 2
            nn.init.constant_(module.weight[:, :, middle, middle], 1 / module.weight.shape[1])
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.ReLU6):
            module.forward = lambda x: x  # type: ignore[method-assign]
    return network


def place_of(scores: Tensor, image: Tensor, row: int, column: int) -> tuple[float, float]:
    """The centre (x, y) of the pixels that a cell sees, by its gradient."""
    (seen,) = torch.autograd.grad(scores[0, 0, row, column], image, retain_graph=True)
    weight = seen[0].sum(0)
    ys, xs = torch.arange(weight.shape[0]), torch.arange(weight.shape[1])
    x, y = ((weight.sum(axis) * places).sum() / weight.sum() for axis, places in ((0, xs), (1, ys)))
    return round(float(x), 2), round(float(y), 2)


def middle(cell: int, stride: int) -> float:
    return cell * stride + (stride - 1) / 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [8, 16])
def test_a_cell_lies_in_the_middle_of_its_pixels_at_every_size(stride: int, size: tuple[int, int]) -> None:
    backbone = see_one_place(MobileNetV2(blocks=7 if stride == 8 else 8, centred=stride))
    assert isinstance(backbone, MobileNetV2)
    image = torch.ones(1, 3, size[1], size[0], requires_grad=True)
    found = backbone.features(image)[stride]
    assert found.shape[2:] == (cells(size[1], stride), cells(size[0], stride))
    for row, column in ((0, 0), (found.shape[2] - 2, found.shape[3] - 2)):
        x, y = place_of(found, image, row, column)
        assert x == column * stride + backbone.centre(stride) == middle(column, stride) - 0.5
        assert y == row * stride + backbone.centre(stride)
    assert backbone.late(stride) == -0.5


def test_a_classifiers_own_cells_lie_at_the_last_of_their_pixels() -> None:
    """As in a 224x224 image that it was trained with, whatever the size."""
    backbone = see_one_place(MobileNetV2(blocks=15))
    assert isinstance(backbone, MobileNetV2)
    for side in (224, 360, 375):
        image = torch.ones(1, 3, side, side, requires_grad=True)
        assert place_of(backbone.features(image)[32], image, 2, 5) == (5 * 32 + 31, 2 * 32 + 31)
    assert backbone.centre(32) == 31


@pytest.mark.parametrize("streams", ["two", "appearance"])
@pytest.mark.parametrize("size", SMALL)
def test_scores_lie_where_their_pixels_are(streams: str, size: tuple[int, int]) -> None:
    """Whatever the way through the network: deep or fine, appearance or motion."""
    width, height = size
    network = see_one_place(
        build_network("mobilenet_v2", classes=1, window_length=1, weights=None, motion=streams == "two")
    )
    assert isinstance(network, TwoStreamNet)
    assert network.fine_scores is not None
    image = torch.full((1, 3, height, width), 255.0, requires_grad=True)  # no unit is off
    flow = torch.zeros(1, 2, height, width, requires_grad=True)
    for fine in (True, False):
        nn.init.constant_(network.fine_scores.weight, float(fine))
        nn.init.constant_(network.appearance_scores.weight, float(not fine))
        scores = network(image, flow)
        assert scores.shape[2:] == (cells(height, 8), cells(width, 8))
        for row, column in ((5, 6), (scores.shape[2] - 3, scores.shape[3] - 4)):
            seen = place_of(scores, image, row, column)
            assert seen == pytest.approx((middle(column, 8), middle(row, 8)), abs=0.6)
            if streams == "two":
                seen = place_of(scores, flow, row, column)
                assert seen == pytest.approx((middle(column, 8), middle(row, 8)), abs=1.1)


def test_a_crop_in_step_with_the_cells_sees_what_the_whole_frame_sees() -> None:
    torch.manual_seed(0)
    network = build_network("mobilenet_v2", classes=3, window_length=1, weights=None, motion=False).eval()
    for parameter in network.parameters():
        parameter.data.mul_(1.5)
    image = torch.rand(1, 3, 360, 480)
    with torch.no_grad():
        whole = network.appearance.features(image)[8]
        crop = network.appearance.features(image[:, :, 32:256, 64:352])[8]
    inside = slice(8, 20)
    torch.testing.assert_close(crop[:, :, inside, inside], whole[:, :, 12:24, 16:28], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(480, 360), (500, 375), (333, 251)])
def test_ramps_are_laid_over_exactly(size: tuple[int, int]) -> None:
    width, height = size
    across = torch.tensor([middle(cell, 8) for cell in range(cells(width, 8))])
    maps = across.expand(1, 2, cells(height, 8), -1)
    laid = lay_over(maps, stride=8, size=(height, width))
    assert laid.shape == (1, 2, height, width)
    inside = torch.arange(4, width - 8)
    torch.testing.assert_close(laid[0, 0, 3, 4 : width - 8], inside.float(), atol=1e-3, rtol=0)
    late = lay_over(maps, stride=8, size=(height, width), late=2)
    torch.testing.assert_close(late[0, 0, 3, 8 : width - 8], torch.arange(8, width - 8).float() - 2, atol=1e-3, rtol=0)


def test_ids_are_looked_up_in_the_cell_that_holds_them() -> None:
    ids = torch.arange(6).view(2, 3)
    found = look_up(ids, stride=16, size=(3, 6), pixel=8)
    assert found.tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]
    assert look_up(ids, stride=10, size=(2, 4), pixel=8).tolist() == [[0, 1, 2, 2], [3, 4, 5, 5]]


class _Spot(nn.Module):
    """A network that sees brightness, in cells of its own grid."""

    def forward(self, image: Tensor, _flow: Tensor) -> Tensor:
        whole = nn.functional.avg_pool2d(image.mean(1, keepdim=True), 8, ceil_mode=True, count_include_pad=False)
        return torch.cat([127.5 - whole, whole - 127.5], 1)


@pytest.mark.parametrize("size", [(480, 360), (500, 375)])
def test_a_teachers_views_agree_on_where_things_are(size: tuple[int, int]) -> None:
    """Each scale and mirror image alone labels the same cells."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[96:160, 192:320] = 255  # cells begin there at each of the scales
    flow = np.zeros((2, size[1], size[0]), np.float32)
    for scale in (0.75, 1.0, 1.25):
        found = pseudo_labels(
            _Spot(),  # type: ignore[arg-type]
            image,
            flow,
            np.ones(2, bool),
            scales=(scale,),
            crf=CrfSettings(iterations=0),
            confidence=0.5,
        )
        assert found.shape == (cells(size[1], 8), cells(size[0], 8))
        rows, columns = np.nonzero(found == 1)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 19, 24, 39)


@pytest.mark.parametrize(("scale", "size"), [(1.0, (480, 360)), (1.0, (500, 375)), (2.0, (375, 270))])
def test_a_heatmap_lies_over_what_it_sees(scale: float, size: tuple[int, int]) -> None:
    """A bright square's features have their centre there."""
    trunk = see_one_place(MobileNetV2())
    assert isinstance(trunk, MobileNetV2)
    head = (torch.zeros(1000, 1280), torch.zeros(1000))
    model = HeatmapModel(LabelSet.load("camvid11"), trunk, head, {}, None, {}, (scale,))
    dark = np.full((size[1], size[0], 3), 127, np.uint8)
    image = dark.copy()
    image[128:192, 256:320] = 255
    with torch.no_grad():
        _, lit = model(image)
        heat, unlit = model(dark)
    assert heat.shape[1:] == (cells(size[1], STRIDE), cells(size[0], STRIDE))
    seen = (lit - unlit).mean(0)
    stride = model.feature_stride
    ys, xs = (stride * (torch.arange(n) + 0.5) - 0.5 for n in seen.shape)
    centre = float((seen.sum(0) * xs).sum() / seen.sum()), float((seen.sum(1) * ys).sum() / seen.sum())
    assert centre == pytest.approx((287.5, 159.5), abs=1)
