"""Whether ONNX Runtime can run here."""

from __future__ import annotations

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""ONNX Runtime's own names of what it computes on."""
_PACKAGES = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}


def variant(provider: str, precision: str) -> str:
    """Which of a bundle's files it runs."""
    return "int8-symmetric" if precision == "int8" and provider == "cuda" else precision


def why_not(provider: str, precision: str = "float32") -> str | None:
    """Why ONNX Runtime cannot run on `provider` in `precision` here, or None if it can."""
    try:
        import onnxruntime
    except ImportError as error:
        return f"the package onnxruntime cannot be imported ({error}); `pip install onnxruntime`"
    if provider not in PROVIDERS:
        return f"it does not run on {provider}, but on {', '.join(PROVIDERS)}"
    if provider == "openvino" and precision != "float32":
        return f"it computes in float32 on openvino, whatever the network, and does not claim to in {precision}"
    if PROVIDERS[provider] not in onnxruntime.get_available_providers():
        return (
            f"onnxruntime {onnxruntime.__version__} was built without {PROVIDERS[provider]}; "
            f"`pip uninstall onnxruntime; pip install {_PACKAGES[provider]}` brings it"
        )
    return None
