"""
What the trainer costs beyond its network: against a plain PyTorch loop over the same steps, in one run.

    python -m benchmarks.training training/configs/light.yaml data.root=DATA --work runs/light [--steps 40]

Needs a work directory whose masks are made (`python -m training.look`). Each of the two runs in a process of its own,
in turns; the loop loads its data in line and does forward, losses, backward and step, nothing else. Prints the
time of a step, the share of it that waits for data, and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from training.config import Config, load_config
from training.running.command_line import command_parser, work_folder

_WARM_UP = 5


def _plain(config: Config, work: Path) -> dict[str, float]:
    """The loop that one would write by hand."""
    import torch

    from training.cues.registry import cue_of
    from training.datasets.endless_order import EndlessOrder
    from training.datasets.training_set import TrainingSet
    from training.networks.module import WeaklySupervised
    from training.running.stages import load_samples

    samples = load_samples(config, work)
    masks = cue_of(config).make_masks(config, samples, work)
    batch, steps = config.optimiser.batch_size, config.optimiser.steps
    data = TrainingSet(samples, masks, length=config.window.length, augmentation=config.augmentation, seed=config.seed)
    order = EndlessOrder(len(samples), count=steps * batch, seed=config.seed)
    loader = iter(torch.utils.data.DataLoader(data, batch_size=batch, sampler=order))
    module = WeaklySupervised(config, cue_of(config).loss(config)).train()
    module.log_dict = lambda *_args, **_kwargs: None  # type: ignore[method-assign]
    optimiser = module.configure_optimizers()["optimizer"]
    waiting, whole = [], []
    for step in range(steps):
        begin = time.perf_counter()
        items = next(loader)
        loaded = time.perf_counter()
        optimiser.zero_grad()
        module.training_step(items, step).backward()
        optimiser.step()
        waiting.append(loaded - begin)
        whole.append(time.perf_counter() - begin)
    return _figures(whole, waiting)


def _trainer(config: Config, work: Path) -> dict[str, float]:
    """The trainer as `training.fit` sets it up, watched from outside."""
    import lightning
    from lightning.pytorch.callbacks import Callback

    import training.running.train as fitting
    from training.cues.registry import cue_of
    from training.running.stages import load_samples

    begun: list[float] = []
    ended: list[float] = []

    class Watch(Callback):
        def on_train_batch_start(self, *_args: Any, **_kwargs: Any) -> None:
            begun.append(time.perf_counter())

        def on_train_batch_end(self, *_args: Any, **_kwargs: Any) -> None:
            ended.append(time.perf_counter())

    made = fitting.make_trainer

    def watched(*args: Any) -> lightning.Trainer:
        trainer = made(*args)
        trainer.callbacks.append(Watch())
        return trainer

    fitting.make_trainer = watched
    cue, samples = cue_of(config), load_samples(config, work)
    masks = cue.make_masks(config, samples, work)
    with tempfile.TemporaryDirectory() as folder:
        fitting.train(config, samples, masks, Path(folder), loss=partial(cue.loss, config), by_shot=cue.by_shot)
    whole = np.diff(ended)
    waiting = np.subtract(begun[1:], ended[:-1])
    return _figures(whole[: len(waiting)], waiting)


def _figures(whole: Sequence[float] | np.ndarray, waiting: Sequence[float] | np.ndarray) -> dict[str, float]:
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "step_ms": 1e3 * float(np.median(whole[_WARM_UP:])),
        "data_share": float(np.sum(waiting[_WARM_UP:]) / np.sum(whole[_WARM_UP:])),
        "peak_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1e3,
        "worker_mb": children / 1e3,
    }


def main() -> None:
    """The command line."""
    parser = command_parser("training", __doc__)
    parser.prog = "python -m benchmarks.training"
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2, help="how often both run, in turns")
    parser.add_argument("--only", choices=("plain", "trainer"), help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    config = load_config(args.config, [*args.overrides, f"optimiser.steps={args.steps}"])
    work = work_folder(args, config)
    if args.only:
        print("figures " + json.dumps({"plain": _plain, "trainer": _trainer}[args.only](config, work)))
        return
    found: dict[str, list[dict[str, float]]] = {"plain": [], "trainer": []}
    for _ in range(args.rounds):
        for name in found:
            command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:], "--only", name]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            line = next(line for line in done.stdout.splitlines() if line.startswith("figures "))
            found[name].append(json.loads(line.removeprefix("figures ")))
    best = {name: min(runs, key=lambda run: run["step_ms"]) for name, runs in found.items()}
    print("| | step, ms | waiting for data, % | peak memory, MB |\n| --- | ---: | ---: | ---: |")
    for name, run in best.items():
        memory = run["peak_mb"] + (run["worker_mb"] if name == "trainer" else 0)
        print(f"| {name} | {run['step_ms']:.0f} | {100 * run['data_share']:.1f} | {memory:.0f} |")
    print(f"\ntrainer / plain loop: {best['trainer']['step_ms'] / best['plain']['step_ms']:.2f}")


if __name__ == "__main__":
    main()
