"""The ROS 2 shell around perception: the node, its parameters, and a stand-in for rclpy."""
