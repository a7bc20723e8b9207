"""The training configuration: declared once, read from YAML files that may extend one another, validated on load."""

from training.config.configuration import Augmentation, Config, ConfigError
from training.config.loading import load_config

__all__ = ["Augmentation", "Config", "ConfigError", "load_config"]
