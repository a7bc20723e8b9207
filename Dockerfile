# The node on ROS 2 Jazzy, on the CPU:
#   docker build -t wsvs_ros . && docker run --rm --net=host wsvs_ros image:=/camera/image_raw
FROM ros:jazzy

WORKDIR /ws
COPY . src/wsvs_ros
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rosdep update --rosdistro jazzy \
 && rosdep install --from-paths src --ignore-src -y --rosdistro jazzy --dependency-types exec \
 && rm -rf /var/lib/apt/lists/*
# the interpreter sees ROS 2's packages, and ONNX Runtime, which rosdep does not have; NumPy stays the one that apt's OpenCV was built against
RUN python3 -m venv --system-site-packages .venv && touch .venv/COLCON_IGNORE && .venv/bin/pip install --no-cache-dir -c src/wsvs_ros/constraints-ros.txt onnxruntime rosbags av
RUN bash -c '. /opt/ros/jazzy/setup.bash && . .venv/bin/activate && python -m colcon build --packages-select wsvs_ros'
RUN printf '#!/bin/bash\n. /ws/.venv/bin/activate\n. /ws/install/setup.bash\nexec ros2 launch wsvs_ros "$@"\n' > /start && chmod +x /start

ENTRYPOINT ["/start", "segment.launch.py"]
