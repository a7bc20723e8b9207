"""Several cameras: one segmentation node each, from a YAML list, with a shared model bundle."""

from pathlib import Path

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from wsvs_ros.topic_names import camera_info_topic

SHARE = FindPackageShare("wsvs_ros")


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "cameras",
                default_value=PathJoinSubstitution([SHARE, "config", "cameras.yaml"]),
                description="YAML list of cameras: name, image and, optionally, camera_info and parameters",
            ),
            DeclareLaunchArgument(
                "params",
                default_value=PathJoinSubstitution([SHARE, "config", "segment.yaml"]),
                description="YAML file of parameters for all nodes",
            ),
            DeclareLaunchArgument(
                "model", default_value="", description="model bundle of all nodes; empty for what params has"
            ),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn or error"),
            OpaqueFunction(function=segmentation_nodes),
        ]
    )


def segmentation_nodes(context: LaunchContext) -> list[Node]:
    """A node for each camera of the list."""
    path = Path(LaunchConfiguration("cameras").perform(context))
    model = LaunchConfiguration("model").perform(context)
    nodes = []
    for camera in read_cameras(path):
        image = camera["image"]
        own = {**({"model": model} if model else {}), **camera.get("parameters", {})}
        info = camera.get("camera_info", camera_info_topic(image))
        nodes.append(
            Node(
                package="wsvs_ros",
                executable="segmentation_node",
                name="segmentation",
                namespace=camera["name"],
                output="screen",
                parameters=[LaunchConfiguration("params"), own],
                remappings=[("image", image), ("image/compressed", f"{image}/compressed"), ("camera_info", info)],
                arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            )
        )
    return nodes


def read_cameras(path: Path) -> list[dict]:
    """
    The cameras that a file lists.

    :raises ValueError: naming the file, the camera and what is expected.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    cameras = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(cameras, list) or not cameras:
        raise ValueError(f"{path}: expected a key `cameras` with a list of at least one camera")
    known = {"name", "image", "camera_info", "parameters"}
    for number, camera in enumerate(cameras, start=1):
        if not isinstance(camera, dict) or not {"name", "image"} <= set(camera) <= known:
            raise ValueError(f"{path}: camera {number}: got {camera!r}, expected name, image and, at will, "
                             "camera_info and parameters")  # fmt: skip
        if not isinstance(camera.get("parameters", {}), dict):
            raise ValueError(f"{path}: camera {camera['name']}: parameters: expected names and values")
    names = [camera["name"] for camera in cameras]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: two cameras have the same name: {', '.join(map(str, names))}")
    return cameras
