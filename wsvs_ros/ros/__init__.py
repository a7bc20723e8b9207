"""The ROS 2 shell around perception: the node and its parameters."""
