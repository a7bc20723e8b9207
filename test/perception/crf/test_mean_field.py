from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception import CrfError, CrfSettings, ModelBundle, create_engine, default_bundle_path
from wsvs_ros.perception.crf.mean_field import DenseCrf
from wsvs_ros.perception.crf.pydensecrf_crf import PyDenseCrf
from wsvs_ros.perception.crf.torch_crf import TorchCrf

SMALL = CrfSettings(gaussian_sxy=2.0, bilateral_sxy=6.0, bilateral_srgb=30.0, bilateral_compat=4.0)


def random_scene(classes: int, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, H, W) float32 and an image (H, W, 3) uint8, blurred to have structure."""
    width, height = size
    random = np.random.default_rng(seed)
    coarse = random.random((height // 4 + 2, width // 4 + 2, classes), np.float32) ** 3 + 0.01
    probabilities = np.stack([cv2.resize(coarse[..., index], size) for index in range(classes)])
    image = cv2.resize(random.integers(0, 256, (height // 3 + 2, width // 3 + 2, 3), np.uint8), size)
    return probabilities / probabilities.sum(0), image


def brute_force(probabilities: np.ndarray, image: np.ndarray, crf: CrfSettings) -> np.ndarray:
    """Mean field with the exact kernels, O(P^2), float64."""
    classes, height, width = probabilities.shape
    y, x = np.mgrid[:height, :width]
    place = np.stack([x, y], -1).reshape(-1, 2).astype(np.float64)
    colour = image.reshape(-1, 3).astype(np.float64)

    def kernel(features: np.ndarray) -> np.ndarray:
        exact = np.exp(-0.5 * ((features[:, None] - features[None]) ** 2).sum(2))
        scale = 1 / np.sqrt(exact.sum(1))
        return exact * scale[:, None] * scale[None]

    smoothness = crf.gaussian_compat * kernel(place / crf.gaussian_sxy)
    joint = np.concatenate([place / crf.bilateral_sxy, colour / crf.bilateral_srgb], 1)
    both = smoothness + crf.bilateral_compat * kernel(joint)
    unaries = np.log(probabilities.reshape(classes, -1).astype(np.float64).clip(1e-5, 1))
    marginals = np.exp(unaries) / np.exp(unaries).sum(0)
    for _ in range(crf.iterations):
        logits = unaries + marginals @ both
        marginals = np.exp(logits - logits.max(0))
        marginals /= marginals.sum(0)
    return marginals.reshape(probabilities.shape)


def mean_kl(reference: np.ndarray, other: np.ndarray) -> float:
    """Mean over the pixels of KL(reference || other)."""
    reference, other = (p.astype(np.float64).clip(1e-12) for p in (reference, other))
    return float((reference * np.log(reference / other)).sum(0).mean())


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of pixels with the same best class."""
    return float((one.argmax(0) == other.argmax(0)).mean())


def test_it_approximates_the_exact_mean_field_as_well_as_the_reference_does() -> None:
    found = []
    for seed in range(6):
        probabilities, image = random_scene(4, (30, 23), seed)
        exact = brute_force(probabilities, image, SMALL)
        ours, reference = (kind(SMALL)(probabilities, image) for kind in (TorchCrf, PyDenseCrf))
        assert agreement(exact, probabilities) < 0.7  # the CRF has something to do
        found.append((agreement(exact, ours), mean_kl(exact, ours), mean_kl(exact, reference)))
    agreements, errors, reference_errors = np.array(found).T
    assert agreements.mean() > 0.96
    assert errors.mean() < 1.25 * reference_errors.mean() < 0.04


def test_with_the_smoothness_kernel_alone_it_is_exact() -> None:
    probabilities, image = random_scene(3, (20, 17), 0)
    crf = CrfSettings(gaussian_sxy=1.5, bilateral_compat=0.0)
    np.testing.assert_allclose(TorchCrf(crf)(probabilities, image), brute_force(probabilities, image, crf), atol=0.005)


@pytest.mark.parametrize("crf", [CrfSettings(), CrfSettings(5, bilateral_sxy=40, bilateral_srgb=10)])
def test_it_answers_as_pydensecrf_on_camvid(shared_data: Path, crf: CrfSettings) -> None:
    bundle = ModelBundle.load(default_bundle_path())
    images = sorted((shared_data / "camvid" / "val" / "images").iterdir())[::40]
    assert len(images) == 3
    with_flow = np.zeros((2 * bundle.window_length, *bundle.working_size[::-1]), np.float32)
    engine = create_engine(bundle)
    for path in images:
        image = cv2.imread(str(path))
        scores = engine.infer(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)), with_flow)
        probabilities = np.stack([cv2.resize(plane, image.shape[1::-1]) for plane in scores])
        ours, reference = (kind(crf)(probabilities, image) for kind in (TorchCrf, PyDenseCrf))
        assert agreement(reference, probabilities) < 0.98  # else the CRF would have nothing to do
        assert agreement(reference, ours) > 0.99
        assert mean_kl(reference, ours) < 0.01
    engine.close()


def test_it_answers_as_pydensecrf_on_the_rendered_drive() -> None:
    image = next(iter(SyntheticDrive((480, 360), frames=1))).image
    probabilities, _ = random_scene(19, image.shape[1::-1], 1)
    ours, reference = (kind(CrfSettings())(probabilities, image) for kind in (TorchCrf, PyDenseCrf))
    assert agreement(reference, ours) > 0.99
    assert mean_kl(reference, ours) < 0.01


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 99))
def test_the_order_of_classes_does_not_matter(order: list[int], seed: int) -> None:
    probabilities, image = random_scene(5, (24, 18), seed)
    crf = TorchCrf(SMALL)
    np.testing.assert_allclose(crf(probabilities[order], image), crf(probabilities, image)[order], atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1.0), st.integers(0, 99))
def test_a_constant_added_to_all_unaries_does_not_matter(factor: float, seed: int) -> None:
    probabilities, image = random_scene(4, (24, 18), seed)
    probabilities = probabilities.clip(1e-3)
    crf = TorchCrf(SMALL)
    shifted = crf(probabilities * np.float32(factor), image)
    np.testing.assert_allclose(shifted, crf(probabilities, image), atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6), st.booleans(), st.integers(0, 99))
def test_any_size_gives_finite_probabilities(width: int, height: int, classes: int, constant: bool, seed: int) -> None:
    probabilities, image = random_scene(classes, (width, height), seed)
    if constant:
        image[...] = seed
    refined = TorchCrf()(probabilities, image)
    assert refined.shape == probabilities.shape
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined.sum(0), 1, atol=1e-4)
    assert refined.min() >= 0


def test_a_batch_is_as_good_as_one_by_one_and_images_do_not_see_each_other() -> None:
    scenes = [random_scene(4, (31, 22), seed) for seed in range(3)]
    probabilities = torch.from_numpy(np.stack([scene[0] for scene in scenes]))
    images = torch.from_numpy(np.stack([scene[1].transpose(2, 0, 1) for scene in scenes]))
    together = DenseCrf(images, SMALL).infer(probabilities)
    for index in range(3):
        alone = DenseCrf(images[index : index + 1], SMALL).infer(probabilities[index : index + 1])
        torch.testing.assert_close(together[index], alone[0], atol=1e-5, rtol=1e-4)


def test_the_kernels_of_an_image_serve_several_inferences() -> None:
    first, image = random_scene(4, (31, 22), 0)
    second, _ = random_scene(7, (31, 22), 1)
    crf = DenseCrf(torch.from_numpy(image).permute(2, 0, 1)[None], SMALL)
    for probabilities in (first, second, first):
        fresh = TorchCrf(SMALL)(probabilities, image)
        np.testing.assert_array_equal(crf.infer(torch.from_numpy(probabilities)[None])[0].numpy(), fresh)


def test_without_iterations_or_kernels_the_probabilities_come_back() -> None:
    probabilities, image = random_scene(4, (20, 15), 0)
    for crf in (CrfSettings(iterations=0), CrfSettings(gaussian_compat=0, bilateral_compat=0)):
        for kind in (TorchCrf, PyDenseCrf):
            np.testing.assert_allclose(kind(crf)(probabilities, image), probabilities, atol=1e-5)


def test_nothing_is_differentiated_through_and_the_answer_can_be_a_target() -> None:
    probabilities, image = random_scene(3, (12, 9), 0)
    scores = torch.from_numpy(probabilities)[None].requires_grad_()
    target = DenseCrf(torch.from_numpy(image).permute(2, 0, 1)[None]).infer(scores)
    assert not target.requires_grad
    (target * scores).sum().backward()
    torch.testing.assert_close(scores.grad, target)


def test_an_edge_of_the_image_attracts_the_edge_of_the_labels() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 200
    probabilities = np.full((2, 40, 60), 0.3, np.float32)
    probabilities[0, :, :25] = probabilities[1, :, 25:] = 0.7
    labels = TorchCrf(CrfSettings(bilateral_sxy=20))(probabilities, image).argmax(0)
    assert (labels[:, :30] == 0).all()
    assert (labels[:, 30:] == 1).all()


def region_messages(marginals: np.ndarray, probabilities: np.ndarray, regions: np.ndarray, top: float) -> np.ndarray:
    """P^n-Potts messages by their definition: the expected cost saved at a pixel, over all other pixels' labels."""
    classes, pixels = marginals.shape
    message = np.zeros_like(marginals)
    for pixel, label in itertools.product(range(pixels), range(classes)):
        if regions[pixel] < 0:
            continue
        region = np.flatnonzero(regions == regions[pixel])
        cost = min(top, -np.log(probabilities[label, region].mean()))
        expected = 0.0
        for labels in itertools.product(range(classes), repeat=len(region)):
            if labels[list(region).index(pixel)] != label:
                continue
            others = [(j, one) for j, one in zip(region, labels, strict=True) if j != pixel]
            chance = np.prod([marginals[one, j] for j, one in others])
            expected += chance * (cost if set(labels) == {label} else top)
        message[label, pixel] = top - expected
    return message


def test_regions_follow_the_definition_of_the_potential() -> None:
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([1, 1, 1], 6).T.astype(np.float32)
    regions = np.array([0, 0, 0, 2, 2, -1])
    crf = CrfSettings(1, gaussian_compat=0, bilateral_compat=0, region_max_cost=2.0)
    images = torch.zeros(1, 3, 2, 3)
    refined = DenseCrf(images, crf, torch.from_numpy(regions).view(1, 2, 3)).infer(
        torch.from_numpy(probabilities).view(1, 3, 2, 3)
    )
    logits = np.log(probabilities) + region_messages(probabilities, probabilities, regions, 2.0)
    expected = np.exp(logits) / np.exp(logits).sum(0)
    np.testing.assert_allclose(refined.view(3, 6).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(refined.view(3, 6).numpy()[:, 5], probabilities[:, 5], atol=1e-5)


def test_a_region_whose_pixels_nearly_agree_wins_over_the_one_that_does_not() -> None:
    probabilities = torch.full((1, 2, 1, 8), 0.02)
    probabilities[:, 0] = 0.98
    probabilities[:, :, 0, 7] = torch.tensor([0.4, 0.6])
    crf = CrfSettings(5, gaussian_compat=0, bilateral_compat=0)
    images = torch.zeros(1, 3, 1, 8)
    alone = DenseCrf(images, crf).infer(probabilities)
    united = DenseCrf(images, crf, torch.zeros(1, 1, 8, dtype=torch.int32)).infer(probabilities)
    assert alone.argmax(1)[0, 0, 7] == 1
    assert (united.argmax(1) == 0).all()


@pytest.mark.parametrize(
    ("probabilities", "images", "message"),
    [
        ((1, 3, 8, 9), (1, 4, 8, 9), r"images are \(1, 4, 8, 9\), expected \(B, 3, H, W\)"),
        ((1, 3, 8, 9), (1, 3, 0, 9), "none of them 0"),
        ((1, 3, 8, 8), (1, 3, 8, 9), r"probabilities are \(1, 3, 8, 8\), expected \(1, N, 8, 9\)"),
        ((2, 3, 8, 9), (1, 3, 8, 9), r"\(2, 3, 8, 9\)"),
        ((1, 0, 8, 9), (1, 3, 8, 9), r"\(1, 0, 8, 9\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(probabilities: tuple, images: tuple, message: str) -> None:
    with pytest.raises(CrfError, match=message):
        DenseCrf(torch.zeros(images)).infer(torch.zeros(probabilities))


def test_nan_is_refused_by_the_arguments_name() -> None:
    broken = torch.full((1, 3, 8, 9), float("nan"))
    with pytest.raises(CrfError, match="images have NaN"):
        DenseCrf(broken)
    with pytest.raises(CrfError, match="probabilities have NaN"):
        DenseCrf(torch.zeros(1, 3, 8, 9)).infer(broken)


def test_more_classes_than_memory_allows_are_refused_before_memory_is_taken() -> None:
    endless = torch.zeros(1, 1, 1, 1).expand(1, 10**9, 360, 480)
    with pytest.raises(CrfError, match=r"\(1, 1000000000, 360, 480\).* GiB there are; use fewer classes"):
        DenseCrf(torch.zeros(1, 3, 360, 480)).infer(endless)


def test_regions_that_do_not_fit_are_refused() -> None:
    images = torch.zeros(1, 3, 8, 9)
    with pytest.raises(CrfError, match=r"regions are \(1, 9, 8\) torch.int64, expected \(1, 8, 9\) integers"):
        DenseCrf(images, regions=torch.zeros(1, 9, 8, dtype=torch.int64))
    with pytest.raises(CrfError, match="float32"):
        DenseCrf(images, regions=torch.zeros(1, 8, 9))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_answers_as_the_cpu_captured_and_not() -> None:
    probabilities, image = random_scene(19, (240, 120), 0)
    cpu = TorchCrf()(probabilities, image)
    captured = TorchCrf(device="cuda")
    images = torch.from_numpy(image).permute(2, 0, 1)[None].cuda()
    eager = DenseCrf(images).infer(torch.from_numpy(probabilities)[None].cuda())[0].cpu().numpy()
    np.testing.assert_allclose(eager, cpu, atol=1e-3)
    for _ in range(2):
        np.testing.assert_allclose(captured(probabilities, image), cpu, atol=1e-3)
