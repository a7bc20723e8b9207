"""/rosout: what a node logs, for whoever listens anywhere on the network."""

from __future__ import annotations

import time
from contextlib import suppress

from cyclonedds.core import DDSException
from cyclonedds.domain import DomainParticipant

from wsvs_ros.embedded.clock import Time
from wsvs_ros.embedded.errors import InvalidHandle
from wsvs_ros.embedded.logger import LEVELS, Line
from wsvs_ros.embedded.messages import message_class
from wsvs_ros.embedded.publisher import Publisher
from wsvs_ros.embedded.qos import rosout_profile


class Rosout:
    """Publishes the lines of a logger; late listeners get those of the last ten seconds."""

    def __init__(self, participant: DomainParticipant) -> None:
        self._log = message_class("rcl_interfaces/msg/Log")
        self.publisher = Publisher(participant, self._log, "/rosout", rosout_profile)

    def publish(self, line: Line) -> None:
        """Publish a line, as far as that is possible: a log never fails."""
        message = self._log(
            stamp=Time(nanoseconds=time.time_ns()).to_msg(),
            level=LEVELS[line.level],
            name=line.name,
            msg=line.text.encode(errors="replace").decode(),  # lone surrogates have no place in a ROS string
            file=line.file,
            function=line.function,
            line=line.number,
        )
        with suppress(DDSException, InvalidHandle):  # the context is shut down while another thread still logs
            self.publisher.publish(message)
