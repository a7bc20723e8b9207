"""Readers of tagged data into one Sample type."""

from training.datasets.dataset_samples import dataset_samples
from training.datasets.errors import DatasetError
from training.datasets.registry import open_dataset
from training.datasets.sample import Sample
from training.datasets.tagged_drives import tagged_drives
from training.datasets.tagged_images import tagged_images

__all__ = ["DatasetError", "Sample", "dataset_samples", "open_dataset", "tagged_drives", "tagged_images"]
