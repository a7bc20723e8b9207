"""Callback groups under rclpy's names; with one thread that spins they change nothing."""

from __future__ import annotations


class CallbackGroup:
    """Which callbacks may run at the same time."""


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """None of them."""


class ReentrantCallbackGroup(CallbackGroup):
    """All of them, where an executor has several threads; the embedded one has one."""
