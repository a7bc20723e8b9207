"""Readers of tagged data into one Sample type."""

from training.datasets.sample import Sample
from training.datasets.tagged_drives import tagged_drives
from training.datasets.tagged_images import tagged_images

__all__ = ["Sample", "tagged_drives", "tagged_images"]
