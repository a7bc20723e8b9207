"""The flow's Triton kernels: run by Triton's interpreter where there is no GPU, and compiled for two GPUs anywhere."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from flow_scenes import shifted_pair, texture
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.flow import Pair, end_point_error, load_pair
from wsvs_ros.drives.synthetic import SyntheticDrive
from wsvs_ros.perception.bundle import FlowSettings
from wsvs_ros.perception.flow import FlowError, create_flow
from wsvs_ros.perception.flow.create import choose_dis
from wsvs_ros.perception.flow.dis import dis_flow
from wsvs_ros.perception.flow.presets import DIS_PRESETS, dis_preset

pytest.importorskip("triton", reason="Triton is not installed (it has wheels for Linux on x86-64)")
from wsvs_ros.perception.flow import triton_dis
from wsvs_ros.perception.flow.kernels import resizing, search, variational
from wsvs_ros.perception.flow.triton_dis import Blocks, check_triton, triton_dis_flow

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
pytestmark = pytest.mark.skipif(
    DEVICE == "cpu" and os.environ.get("TRITON_INTERPRET") != "1",
    reason="a GPU that torch cannot use, and no TRITON_INTERPRET=1",
)
# the interpreter takes the same time for a program whatever its size
LARGE = Blocks() if DEVICE == "cuda" else Blocks(patches=4096, pixels=16384, tile=128)


def tensors(*images: np.ndarray) -> list[Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(image)).float()[None, None].to(DEVICE) for image in images]


def same(found: Tensor, expected: Tensor) -> None:
    """Equal but for rounding, which may turn the choice of single patches."""
    assert found.shape == expected.shape
    difference = (found - expected).abs()
    assert float(difference.median()) < 1e-4
    assert float((difference > 1e-2).float().mean()) < 0.02


def test_triton_computes_what_torch_does_over_two_levels() -> None:
    pair, preset = tensors(*shifted_pair(3, -2, (112, 77))), dis_preset("balanced")
    same(triton_dis_flow(*pair, preset=preset, blocks=LARGE), dis_flow(*pair, preset=preset))


def test_blocks_and_tiles_of_a_gpu_change_nothing() -> None:
    pair, preset = tensors(*shifted_pair(3, -2, (192, 60))), dis_preset("fast")
    found = triton_dis_flow(*pair, preset=preset, blocks=Blocks())
    torch.testing.assert_close(found, triton_dis_flow(*pair, preset=preset, blocks=LARGE))


def test_pairs_of_a_batch_and_their_guesses_stay_apart() -> None:
    first, second = shifted_pair(2, 1, (96, 33), seed=1), shifted_pair(-3, 0, (96, 33), seed=2)
    previous, current = (torch.cat(tensors(*images)) for images in zip(first, second, strict=True))
    guess = torch.zeros(2, 2, 33, 96, device=DEVICE)
    guess[0, 0], guess[1, 0] = 2, -3
    preset = dis_preset("ultrafast")
    found = triton_dis_flow(previous, current, guess, preset=preset, blocks=LARGE)
    same(found, dis_flow(previous, current, guess, preset=preset))
    assert abs(float(found[0, 0].median()) - 2) < 0.5
    assert abs(float(found[1, 0].median()) + 3) < 0.5


def test_images_too_small_for_the_pyramid_are_continued() -> None:
    pair, preset = tensors(texture(9, 40, 1), texture(9, 40, 2)), dis_preset("fast")
    found = triton_dis_flow(*pair, preset=preset, blocks=LARGE)
    assert torch.isfinite(found).all()
    same(found, dis_flow(*pair, preset=preset))


def halved(pair: Pair) -> Pair:
    """At half the size: the images' means over 2x2 pixels, every second vector."""
    height, width = (side // 4 * 2 for side in pair.previous.shape)
    images = (cv2.resize(image, (width, height), None, 0, 0, cv2.INTER_AREA) for image in (pair.previous, pair.current))
    truth, valid = pair.truth[:, ::2, ::2] / 2, pair.valid[::2, ::2]
    return Pair(pair.name, *images, np.ascontiguousarray(truth[:, :height, :width]), valid[:height, :width])


def check_accuracy(pair: Pair) -> None:
    [field] = triton_dis_flow(*tensors(pair.previous, pair.current), preset=dis_preset("fast"), blocks=LARGE)
    of_opencv = create_flow(FlowSettings("dis", "fast"))(pair.previous, pair.current)
    assert end_point_error(field.cpu().numpy(), pair) < 1.02 * end_point_error(of_opencv, pair)


def test_a_rendered_pair_is_found_as_accurately_as_by_opencv() -> None:
    before, now = list(SyntheticDrive((240, 180), frames=2, fps=15).truth())
    grays = [cv2.cvtColor(item.frame.image, cv2.COLOR_BGR2GRAY) for item in (before, now)]
    check_accuracy(Pair("rendered", *grays, now.flow, now.valid))


def test_a_real_pair_is_found_as_accurately_as_by_opencv(shared_data: Path) -> None:
    check_accuracy(halved(load_pair(shared_data / "flow" / "synthmotion_yaw")))


KERNELS = (
    *(resizing.shrink, resizing.enlarge, search.begin, search.spread, search.densify),
    *(variational.warp, variational.differentiate, variational.constrain, variational.fixed_point),
)


class Launches(TorchDispatchMode):
    """Counts torch's operations that launch a kernel: all but those that allocate and those that view."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func.overloadpacket.__name__
        if not name.startswith(("empty", "new_empty")) and not func.is_view:
            self.names.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("height", "width"), [(360, 480), (512, 1024)])
@pytest.mark.parametrize("guessed", [False, True])
def test_a_pair_takes_few_launches_and_none_allocates_or_waits(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int, guessed: bool
) -> None:
    launched: list[str] = []
    for kernel in KERNELS:  # how often they run depends on shapes alone
        monkeypatch.setattr(kernel, "run", lambda *_, _name=kernel.fn.__name__, **__: launched.append(_name))
    images = [torch.zeros(1, 1, height, width, dtype=torch.uint8, device=DEVICE) for _ in range(2)]
    guess = [torch.zeros(1, 2, height, width, device=DEVICE)] if guessed else []
    with Launches() as launches:
        previous, current = (image.float() for image in images)
        triton_dis_flow(previous, current, *guess, preset=dis_preset("fast"))
    assert set(launched) == {kernel.fn.__name__ for kernel in KERNELS}
    assert 40 < len(launched) + len(launches.names) <= 120
    # two conversions and what puts both images into one array: nothing that reads a value or uploads one
    assert set(launches.names) <= {"_to_copy", "cat"}


COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from wsvs_ros.perception.flow.kernels import resizing, search, variational

POINTERS = "source result field images flow guess vectors warped slopes constraints start".split()
NUMBERS = "damping better squared_zeta smoothness brightness gradient squared_epsilon relaxation".split()
CASES = [
    (resizing.shrink, dict(TAPS=6, BLOCK=256), 4),
    (resizing.enlarge, dict(BLOCK=256), 4),
    (search.begin, dict(STRIDE=4, HAS_FLOW=True, HAS_GUESS=True, BLOCK=16), 4),
    (search.begin, dict(STRIDE=4, HAS_FLOW=False, HAS_GUESS=False, BLOCK=16), 4),
    (search.spread, dict(STRIDE=3, BLOCK=16), 4),
    (search.densify, dict(STRIDE=3, OVERLAP=3, BLOCK=256), 4),
    (variational.warp, dict(BLOCK=256), 4),
    (variational.differentiate, dict(BLOCK=256), 4),
    (variational.constrain, dict(BLOCK=256), 4),
    (variational.fixed_point, dict(SWEEPS=5, TILE=64, HALO=12), 16),
]
for kernel, constants, warps in CASES:
    kinds = {name: "*fp32" if name in POINTERS else "fp32" if name in NUMBERS else "i32" for name in kernel.arg_names}
    kinds |= {name: "constexpr" for name in constants}
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=kinds, constexprs=places)
    compiled = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": warps})
    assert f"sm_{sys.argv[1]}" in compiled.asm["ptx"]
    print(kernel.__name__, compiled.metadata.shared, len(compiled.asm["cubin"]))
"""


@pytest.mark.parametrize("capability", [80, 90])
def test_each_kernel_compiles_for_a_gpu(capability: int, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    # a cache of its own: what an earlier run compiled proves nothing
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    (tmp_path / "compile_kernels.py").write_text(COMPILE)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "compile_kernels.py"), str(capability)],
        env={**environment, "PYTHONPATH": os.pathsep.join(path for path in [os.getcwd(), *sys.path] if path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 10
    for name, shared, size in lines:
        assert int(shared) <= 48 << 10, f"{name} takes more shared memory than every GPU has"
        assert int(size) > 0


def test_triton_is_checked_against_torch_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = dis_preset("ultrafast")
    check_triton(torch.device(DEVICE), preset, LARGE)
    monkeypatch.setattr(triton_dis, "triton_dis_flow", lambda *images, **_: torch.full_like(images[0], torch.nan))
    with pytest.raises(FlowError, match=r"differs from torch's by inf pixels in the mean"):
        check_triton(torch.device(DEVICE), preset, LARGE)


def test_dis_is_tritons_on_cuda_and_torchs_where_triton_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(triton_dis, "check_triton", lambda *_: None)
    assert choose_dis(torch.device("cpu"), "fast")[0] == "torch"
    backend, function = choose_dis(torch.device("cuda"), "balanced")
    assert backend == "triton"
    assert function.func is triton_dis_flow  # type: ignore[attr-defined]
    assert function.keywords == {"preset": dis_preset("balanced")}  # type: ignore[attr-defined]

    def fails(*_: object) -> None:
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(triton_dis, "check_triton", fails)
    with caplog.at_level(logging.WARNING):
        backend, function = choose_dis(torch.device("cuda", 1), "fast")
    assert backend == "torch"
    assert function.func is dis_flow  # type: ignore[attr-defined]
    assert "on cuda:1: Triton cannot be used (RuntimeError: Failed to find C compiler)" in caplog.text


@pytest.mark.parametrize("preset", DIS_PRESETS)
@pytest.mark.skipif(DEVICE == "cpu", reason="no CUDA device")
def test_on_a_gpu_triton_is_chosen_and_agrees_with_the_cpu_when_captured(preset: str) -> None:
    previous, current = shifted_pair(4, -2, (320, 240))
    flow = create_flow(FlowSettings("dis", preset), "cuda")
    assert flow.name == f"dis-{preset}-triton-cuda"
    expected = dis_flow(*(image.cpu() for image in tensors(previous, current)), preset=dis_preset(preset))[0].numpy()
    for _ in range(2):
        assert np.median(np.abs(flow(previous, current) - expected)) < 1e-2
    batched = flow.batch(np.stack([previous] * 3), np.stack([current] * 3))
    assert np.median(np.abs(batched - expected)) < 1e-2
