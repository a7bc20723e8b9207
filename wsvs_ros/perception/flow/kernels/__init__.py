"""
Triton's kernels of the flow on CUDA.

No kernel reads what another program of the same launch writes, none has a loop whose length depends on data, and
every load and store is masked or clamped. So Triton's interpreter (TRITON_INTERPRET=1), which needs no GPU, computes
what a GPU does but for rounding.

Fields and images are contiguous float32; B pairs are 2 B images, the earlier frames first.
"""

from __future__ import annotations

# arguments for whose values Triton shall compile no variant of its own: a size is met on the road, and must not stop it
SIZES = (
    "batch",
    "height",
    "width",
    "small_height",
    "small_width",
    "coarse_height",
    "coarse_width",
    "guess_height",
    "guess_width",
    "rows",
    "columns",
    "hop",
)
