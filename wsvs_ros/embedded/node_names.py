"""A node's names, with rclpy's methods."""

from __future__ import annotations

from wsvs_ros.embedded.names import RosArguments, resolve


class NodeNames:
    """
    The part of a node that knows what it and its topics are called.

    :param arguments: may rename it (`__node`, `__ns`) and its topics.
    """

    def __init__(self, arguments: RosArguments, name: str, namespace: str | None) -> None:
        self.__arguments = arguments
        self.__name = arguments.remap("__node", name) or name
        self.__namespace = "/" + (arguments.remap("__ns", self.__name) or namespace or "/").strip("/")

    def get_name(self) -> str:
        return self.__name

    def get_namespace(self) -> str:
        return self.__namespace

    def get_fully_qualified_name(self) -> str:
        return self.__expand(self.__name)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """The topic's full name, after the remapping rules."""
        full = self.__expand(topic)
        if only_expand:
            return full
        for rule in self.__arguments.remaps:
            is_for_topics = not rule.source.startswith("__") and rule.node in ("", self.__name)
            if is_for_topics and self.__expand(rule.source) == full:
                return self.__expand(rule.to)
        return full

    def __expand(self, name: str) -> str:
        return resolve(name, node=self.__name, namespace=self.__namespace)
