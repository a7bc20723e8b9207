"""PyAV, which reads and writes videos: no package of ROS 2's brings it."""

from __future__ import annotations

from types import ModuleType

from wsvs_ros.drives.drive import DriveError


def import_av() -> ModuleType:
    """
    The module, imported on first use: bags and images do without.

    :raises DriveError: where it is missing.
    """
    try:
        import av
    except ImportError as error:
        raise DriveError(
            f"videos are read and written by PyAV, which cannot be imported ({error}); pip install av, beside ROS 2 "
            "with -c constraints-ros.txt, or give a bag or a folder of images, and --no-overlay"
        ) from error
    module: ModuleType = av
    return module
