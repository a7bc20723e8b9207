"""A recorded bag through the node: labels recorded beside it and, where there is a truth, measured at the end."""

import signal
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown, matches_action
from launch.events.process import SignalProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

_SETTLE = 3.0  # seconds for discovery before the bag plays, and for the last labels after it
_LABEL = "/segmentation/label"


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, play, record, evaluate."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="the bag to play"),
            DeclareLaunchArgument("image", default_value="/camera/image_raw", description="its camera topic"),
            DeclareLaunchArgument(
                "output", default_value="", description="bag of the labels; empty for <bag>_labels beside it"
            ),
            DeclareLaunchArgument(
                "labels",
                default_value="",
                description="the truth to evaluate by: a bag with a label topic, matched by stamp; empty for none",
            ),
            DeclareLaunchArgument(
                "labels_topic", default_value="/segmentation/label", description="topic of the true labels in that bag"
            ),
            DeclareLaunchArgument("label_set", default_value="camvid11", description="classes of both"),
            DeclareLaunchArgument(
                "rate", default_value="1.0", description="speed of the playback; slower than 1 loses no frame"
            ),
            DeclareLaunchArgument("model", default_value="", description="model bundle; empty for what params has"),
            DeclareLaunchArgument(
                "params",
                default_value=PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config", "segment.yaml"]),
                description="YAML file of parameters",
            ),
            OpaqueFunction(function=replay),
        ]
    )


def replay(context: LaunchContext) -> list:
    """Node and recorder first, then the bag; when it has ended, the recorder is stopped and the labels measured."""
    given = {
        name: LaunchConfiguration(name).perform(context)
        for name in ("bag", "image", "output", "labels", "labels_topic", "label_set", "rate", "model")
    }
    bag = Path(given["bag"])
    if not bag.exists():
        raise FileNotFoundError(f"bag:={bag}: there is no such bag")
    output = Path(given["output"]) if given["output"] else bag.with_name(f"{bag.stem}_labels")
    if output.exists():
        raise FileExistsError(f"{output}: exists and is not overwritten; give another output:=")
    image = given["image"]
    node = Node(
        package="wsvs_ros",
        executable="segmentation_node",
        name="segmentation",
        output="screen",
        parameters=[
            LaunchConfiguration("params"),
            {"use_sim_time": True, **({"model": given["model"]} if given["model"] else {})},
        ],
        remappings=[("image", image), ("image/compressed", f"{image}/compressed")],
    )
    recorder = ExecuteProcess(
        cmd=["ros2", "bag", "record", "-o", str(output), _LABEL], output="screen", name="recorder"
    )
    player = ExecuteProcess(
        cmd=["ros2", "bag", "play", str(bag), "--clock", "--rate", given["rate"], "--topics", image], output="screen"
    )
    stop = EmitEvent(event=SignalProcess(signal_number=signal.SIGINT, process_matcher=matches_action(recorder)))
    ended: list = [EmitEvent(event=Shutdown(reason="the bag has been played"))]
    if given["labels"]:
        command = ["wsvs", "evaluate", "--pred", str(output), "--labels", given["labels"]]
        command += ["--labels-topic", given["labels_topic"], "--label-set", given["label_set"], "--images", str(bag)]
        command += ["--allow-missing", "--report", f"{output}_report"]  # live, the node skips frames
        evaluation = ExecuteProcess(cmd=command, output="screen")
        ended = [evaluation, RegisterEventHandler(OnProcessExit(target_action=evaluation, on_exit=ended))]
    return [
        node,
        recorder,
        TimerAction(period=_SETTLE, actions=[player]),
        RegisterEventHandler(
            OnProcessExit(target_action=player, on_exit=[TimerAction(period=_SETTLE, actions=[stop])])
        ),
        RegisterEventHandler(OnProcessExit(target_action=recorder, on_exit=ended)),
    ]
