"""Several cameras: one segmentation node each, from a YAML list, with a shared model bundle."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from wsvs_ros.camera_list import read_cameras
from wsvs_ros.large_images import cyclonedds_uri, kernel_warning, rmw_warning

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
            DeclareLaunchArgument(
                "large_images",
                default_value="false",
                choices=["true", "false"],
                description="of a megabyte and more: Cyclone DDS with larger socket buffers",
            ),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn or error"),
            OpaqueFunction(function=segmentation_nodes),
        ]
    )


def segmentation_nodes(context: LaunchContext) -> list:
    """A node for each camera of the list."""
    path = Path(LaunchConfiguration("cameras").perform(context))
    model = LaunchConfiguration("model").perform(context)
    large = LaunchConfiguration("large_images").perform(context) == "true"
    nodes: list = _large_image_settings(context) if large else []
    for camera in read_cameras(path):
        image = camera.image
        own = {**({"model": model} if model else {}), **camera.parameters}
        nodes.append(
            Node(
                package="wsvs_ros",
                executable="segmentation_node",
                name="segmentation",
                namespace=camera.name,
                output="screen",
                parameters=[LaunchConfiguration("params"), own],
                remappings=[
                    ("image", image),
                    ("image/compressed", f"{image}/compressed"),
                    ("camera_info", camera.camera_info),
                ],
                arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            )
        )
    return nodes


def _large_image_settings(context: LaunchContext) -> list:
    """Cyclone DDS's settings for large images, and what they lack here."""
    config = Path(PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config"]).perform(context))
    said = [LogInfo(msg=f"[warning] {text}") for text in (kernel_warning(), rmw_warning()) if text]
    return [*said, SetEnvironmentVariable("CYCLONEDDS_URI", cyclonedds_uri(config))]
