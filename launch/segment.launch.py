"""One camera: the segmentation node, with its parameters from config/segment.yaml."""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from wsvs_ros.large_images import cyclonedds_uri, kernel_warning, rmw_warning
from wsvs_ros.topic_names import camera_info_topic

_OVERRIDES = ("model", "engine", "precision", "device", "compressed", "autostart")
DEFAULT_PARAMETERS = PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config", "segment.yaml"])


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("image", default_value="/camera/image_raw", description="camera topic to segment"),
            DeclareLaunchArgument("params", default_value=DEFAULT_PARAMETERS, description="YAML file of parameters"),
            DeclareLaunchArgument(
                "model", default_value="", description="model bundle; empty for what params or the package has"
            ),
            DeclareLaunchArgument(
                "engine",
                default_value="",
                choices=["", "auto", "tensorrt", "onnxruntime", "torch"],
                description="what runs the network; empty for what params has",
            ),
            DeclareLaunchArgument(
                "precision",
                default_value="",
                choices=["", "auto", "float32", "float16", "int8"],
                description="of the network; empty for what params has",
            ),
            DeclareLaunchArgument(
                "device",
                default_value="",
                description="where flow and CRF are computed, cpu or cuda; empty for what params has",
            ),
            DeclareLaunchArgument(
                "compressed",
                default_value="",
                choices=["", "true", "false"],
                description="subscribe to <image>/compressed instead of <image>; empty for what params has",
            ),
            DeclareLaunchArgument(
                "camera_info",
                default_value="",
                description="the camera's CameraInfo topic; empty for the image's sibling",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="",
                choices=["", "true", "false"],
                description="configure and activate at start; empty for what params has",
            ),
            DeclareLaunchArgument(
                "large_images",
                default_value="false",
                choices=["true", "false"],
                description="of a megabyte and more: Cyclone DDS with larger socket buffers",
            ),
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the node"),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn or error"),
            OpaqueFunction(function=segmentation_node),
        ]
    )


def segmentation_node(context: LaunchContext) -> list:
    """The node; an argument that was given wins over the parameter file."""
    given = {name: LaunchConfiguration(name).perform(context) for name in _OVERRIDES}
    overrides = {name: value for name, value in given.items() if value}
    for name in {"compressed", "autostart"} & set(overrides):
        overrides[name] = overrides[name] == "true"
    image = LaunchConfiguration("image").perform(context)
    info = LaunchConfiguration("camera_info").perform(context) or camera_info_topic(image)
    large = LaunchConfiguration("large_images").perform(context) == "true"
    return [
        *(_large_image_settings(context) if large else []),
        Node(
            package="wsvs_ros",
            executable="segmentation_node",
            name="segmentation",
            namespace=LaunchConfiguration("namespace"),
            output="screen",
            parameters=[LaunchConfiguration("params"), overrides],
            remappings=[("image", image), ("image/compressed", f"{image}/compressed"), ("camera_info", info)],
            arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        ),
    ]


def _large_image_settings(context: LaunchContext) -> list:
    """Cyclone DDS's settings for large images, and what they lack here."""
    config = Path(PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config"]).perform(context))
    said = [LogInfo(msg=f"[warning] {text}") for text in (kernel_warning(), rmw_warning()) if text]
    return [*said, SetEnvironmentVariable("CYCLONEDDS_URI", cyclonedds_uri(config))]
