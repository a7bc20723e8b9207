"""The training configuration: declared once, read from YAML, validated on load."""

from training.config.configuration import Augmentation, Config, ConfigError, load_config

__all__ = ["Augmentation", "Config", "ConfigError", "load_config"]
