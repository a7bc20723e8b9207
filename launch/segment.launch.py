"""One camera: the segmentation node, with its parameters from config/segment.yaml."""

from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

DEFAULT_PARAMETERS = PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config", "segment.yaml"])


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the node."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("image", default_value="/camera/image_raw", description="camera topic to segment"),
            DeclareLaunchArgument(
                "model", default_value="", description="model bundle; empty for the one of the package"
            ),
            DeclareLaunchArgument("engine", default_value="auto", description="what runs the network"),
            DeclareLaunchArgument(
                "compressed",
                default_value="false",
                choices=["true", "false"],
                description="subscribe to <image>/compressed instead of <image>",
            ),
            DeclareLaunchArgument("params", default_value=DEFAULT_PARAMETERS, description="YAML file of parameters"),
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the node"),
            DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn or error"),
            Node(
                package="wsvs_ros",
                executable="segmentation_node",
                name="segmentation",
                namespace=LaunchConfiguration("namespace"),
                output="screen",
                parameters=[
                    LaunchConfiguration("params"),
                    {
                        "model": ParameterValue(LaunchConfiguration("model"), value_type=str),
                        "engine": ParameterValue(LaunchConfiguration("engine"), value_type=str),
                        "compressed": ParameterValue(LaunchConfiguration("compressed"), value_type=bool),
                    },
                ],
                remappings=[
                    ("image", LaunchConfiguration("image")),
                    ("image/compressed", [LaunchConfiguration("image"), "/compressed"]),
                ],
                arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            ),
        ]
    )
