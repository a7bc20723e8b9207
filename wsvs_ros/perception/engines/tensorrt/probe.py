"""Whether TensorRT can run here."""

from __future__ import annotations

from wsvs_ros.perception.cuda.driver import cuda_device_count

_OLDEST = 10


def variant(provider: str, precision: str) -> str:
    """Which of a bundle's files it runs: TensorRT takes quantised activations without a zero point only."""
    return "int8-symmetric" if precision == "int8" else precision


def why_not(provider: str = "cuda", precision: str = "float32") -> str | None:
    """Why TensorRT cannot run here, or None if it can."""
    if provider != "cuda":
        return f"it does not run on {provider}, but on cuda"
    try:
        import tensorrt
    except (ImportError, OSError) as error:  # OSError: a library of CUDA is missing
        return f"the package tensorrt cannot be imported ({error}); it comes with JetPack or `pip install tensorrt`"
    version = getattr(tensorrt, "__version__", None)
    if version is None:  # e.g. type stubs, or a folder of that name
        return f"the package tensorrt at {list(tensorrt.__path__)} is not NVIDIA's; `pip install tensorrt`"
    if int(version.split(".")[0]) < _OLDEST:
        return f"tensorrt {version} is too old, {_OLDEST}.0 or newer is needed"
    if not cuda_device_count():
        return "the driver shows no CUDA device"
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"its buffers need torch, which cannot be loaded ({error}); pip install torch with CUDA"
    return None if torch.cuda.is_available() else f"torch {torch.__version__} finds no CUDA device"
