"""A recorded bag through the node: labels recorded beside it and, where there is a truth, measured at the end."""

import signal
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown, matches_action
from launch.events.process import ProcessExited, SignalProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, SubstitutionFailure
from launch_ros.actions import Node
from launch_ros.substitutions import ExecutableInPackage, FindPackageShare

from wsvs_ros.large_images import cyclonedds_uri, kernel_warning, rmw_warning
from wsvs_ros.replay_topics import replay_topics
from wsvs_ros.topic_names import camera_info_topic

_SETTLE = 3.0  # seconds for the last labels after the bag
_LABEL = "/segmentation/label"
_ARGUMENTS = (
    "bag", "image", "compressed", "output", "labels", "labels_topic", "label_set", "rate", "delay", "model",
    "large_images",
)  # fmt: skip


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments, play, record, evaluate."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="the bag to play"),
            DeclareLaunchArgument("image", default_value="/camera/image_raw", description="its camera topic"),
            DeclareLaunchArgument(
                "compressed",
                default_value="",
                choices=["", "true", "false"],
                description="play <image>/compressed instead of <image>; empty for the one that the bag has",
            ),
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
            DeclareLaunchArgument(
                "delay",
                default_value="3.0",
                description="seconds before the bag plays; more where a TensorRT engine has yet to be built",
            ),
            DeclareLaunchArgument("model", default_value="", description="model bundle; empty for what params has"),
            DeclareLaunchArgument(
                "params",
                default_value=PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config", "segment.yaml"]),
                description="YAML file of parameters",
            ),
            DeclareLaunchArgument(
                "large_images",
                default_value="false",
                choices=["true", "false"],
                description="of a megabyte and more: Cyclone DDS with larger socket buffers",
            ),
            OpaqueFunction(function=replay),
        ]
    )


def replay(context: LaunchContext) -> list:
    """
    Node and recorder first, then the bag; when it has ended, the recorder is stopped and the labels measured.

    Whatever fails, node, recorder, bag or evaluation, ends all the others, and the launch with 1.
    """
    given = {name: LaunchConfiguration(name).perform(context) for name in _ARGUMENTS}
    bag = Path(given["bag"])
    if not bag.exists():
        raise FileNotFoundError(f"bag:={bag}: there is no such bag")
    if given["labels"] and not Path(given["labels"]).exists():
        raise FileNotFoundError(f"labels:={given['labels']}: there is no such bag")
    output = Path(given["output"]) if given["output"] else bag.with_name(f"{bag.stem}_labels")
    if output.exists():
        raise FileExistsError(f"{output}: exists and is not overwritten; give another output:=")
    wanted = {"true": True, "false": False}.get(given["compressed"])
    topics = replay_topics(bag, given["image"], compressed=wanted)
    node = _node(given, compressed=topics.compressed)
    recorder = ExecuteProcess(cmd=["ros2", "bag", "record", "-o", str(output), _LABEL], output="screen")
    player = ExecuteProcess(
        cmd=["ros2", "bag", "play", str(bag), "--clock", "--rate", given["rate"], "--topics", *topics.played],
        output="screen",
    )
    stop = EmitEvent(event=SignalProcess(signal_number=signal.SIGINT, process_matcher=matches_action(recorder)))
    stopping: list = []  # not empty once the recorder was told to stop

    def played(event: ProcessExited, context: LaunchContext) -> list:
        if context.is_shutdown:
            return []
        if event.returncode:
            return _failed("the bag was not played to its end", event)
        mark = OpaqueFunction(function=lambda _: stopping.append(True))
        return [TimerAction(period=_SETTLE, actions=[mark, stop])]

    def recorded(event: ProcessExited, context: LaunchContext) -> list:
        if context.is_shutdown:
            return []
        return _measured(context, given, output) if stopping else _failed("the recorder has ended", event)

    return [
        *(_large_image_settings(context) if given["large_images"] == "true" else []),
        RegisterEventHandler(OnProcessExit(target_action=node, on_exit=_node_ended)),
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=played)),
        RegisterEventHandler(OnProcessExit(target_action=recorder, on_exit=recorded)),
        node,
        recorder,
        TimerAction(period=float(given["delay"]), actions=[player]),
    ]


def _node(given: dict[str, str], *, compressed: bool) -> Node:
    image = given["image"]
    own = {"use_sim_time": True, "compressed": compressed, **({"model": given["model"]} if given["model"] else {})}
    return Node(
        package="wsvs_ros",
        executable="segmentation_node",
        name="segmentation",
        output="screen",
        parameters=[LaunchConfiguration("params"), own],
        remappings=[
            ("image", image),
            ("image/compressed", f"{image}/compressed"),
            ("camera_info", camera_info_topic(image)),
        ],
    )


def _measured(context: LaunchContext, given: dict[str, str], output: Path) -> list:
    """Evaluate, if there is a truth; then all is done."""
    done = EmitEvent(event=Shutdown(reason="the bag has been played"))
    if not given["labels"]:
        return [done]
    command = [*_wsvs(context), "evaluate", "--pred", str(output), "--labels", given["labels"]]
    command += ["--labels-topic", given["labels_topic"], "--label-set", given["label_set"], "--images", given["bag"]]
    command += ["--allow-missing", "--report", f"{output}_report"]  # live, the node skips frames
    evaluation = ExecuteProcess(cmd=command, output="screen")

    def evaluated(event: ProcessExited, context: LaunchContext) -> list:
        failed = event.returncode and not context.is_shutdown
        return _failed("the labels could not be measured", event) if failed else [done]

    return [RegisterEventHandler(OnProcessExit(target_action=evaluation, on_exit=evaluated)), evaluation]


def _wsvs(context: LaunchContext) -> list[str]:
    """The `wsvs` command: colcon puts it into lib/wsvs_ros, which is on nobody's PATH; pip has the module alone."""
    try:
        return [ExecutableInPackage(executable="wsvs", package="wsvs_ros").perform(context)]
    except SubstitutionFailure:
        return ["python3", "-m", "wsvs_ros.cli.main"]


def _node_ended(event: ProcessExited, context: LaunchContext) -> list:
    return [] if context.is_shutdown else _failed("the node has ended before the replay", event)


def _failed(what: str, event: ProcessExited) -> list:
    """An error that launch says, shuts everything down for and ends with; a plain Shutdown would end with 0."""
    raise RuntimeError(f"{what} (exit code {event.returncode}); what it said is above")


def _large_image_settings(context: LaunchContext) -> list:
    """Cyclone DDS's settings for large images, and what they lack here."""
    config = Path(PathJoinSubstitution([FindPackageShare("wsvs_ros"), "config"]).perform(context))
    said = [LogInfo(msg=f"[warning] {text}") for text in (kernel_warning(), rmw_warning()) if text]
    return [*said, SetEnvironmentVariable("CYCLONEDDS_URI", cyclonedds_uri(config))]
