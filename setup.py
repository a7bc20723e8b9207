"""Installs with colcon (ament_python) and with pip alike."""

from glob import glob

from setuptools import find_packages, setup

package_name = "wsvs_ros"

setup(
    name=package_name,
    version="0.1.0",
    description="Weakly-supervised video segmentation: learns from tagged drives, runs live as a ROS 2 node.",
    license="Apache-2.0",
    maintainer="wsvs_ros maintainers",
    maintainer_email="maintainers@wsvs-ros.dev",
    packages=find_packages(include=["wsvs_ros", "wsvs_ros.*"]),
    package_data={
        package_name: [
            "evaluation/mappings/*.yaml",
            "evaluation/templates/*",
            "perception/labelsets/*.yaml",
            "models/*/*",
            "tagging/page/*",
        ]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{package_name}"]),
        (f"share/{package_name}", ["package.xml"]),
        (f"share/{package_name}/launch", glob("launch/*.launch.py")),
        (f"share/{package_name}/config", list(glob("config/*.*"))),
        (f"share/{package_name}/config/labels", glob("wsvs_ros/perception/labelsets/*.yaml")),
    ],
    zip_safe=False,
    python_requires=">=3.10",
    # torch and tensorrt stay out: the car runs without the one, and gets the other from its own image
    install_requires=[
        "PyYAML",
        "av>=14",
        "cyclonedds>=0.10.5",
        "jinja2>=3.1",
        "lz4>=4.3",
        "markupsafe>=2.1",
        "mcap>=1.2",
        "numpy>=1.26",
        "onnxruntime>=1.18",
        "opencv-python-headless>=4.8",
        "rosbags>=0.11",
        "tqdm>=4.66",
        "zstandard>=0.22",
    ],
    extras_require={
        "crf": ["pydensecrf2>=1.0", "scikit-image>=0.22", "torch>=2.13"],
        "demo": ["pooch>=1.8"],
        "export": ["onnx>=1.16"],
        "gpu": ["torch>=2.13"],
        "ray": ["ray>=2.9"],
        "tag": ["starlette>=0.40", "uvicorn>=0.30"],
        "train": [
            "filelock>=3.12",
            "lightning>=2.4",
            "onnx>=1.16",
            "onnxscript>=0.5",
            "PyMaxflow>=1.3",
            "pillow>=10",
            "pycocotools>=2.0.8",
            "pydantic>=2.6",
            "safetensors>=0.4",
            "scikit-learn>=1.4",
            "scipy>=1.11",
            "tensorboard>=2.16",
            "torch>=2.13",
            "torchmetrics>=1.4",
        ],
        "test": [
            "hypothesis>=6.100",
            "mypy>=1.11",
            "onnx>=1.16",
            "playwright>=1.45",
            "pooch>=1.8",
            "pydensecrf2>=1.0",
            "pytest>=8",
            "ruff>=0.6",
            "scikit-image>=0.22",
            "starlette>=0.40",
            "triton>=3.2; sys_platform == 'linux' and platform_machine == 'x86_64'",
            "types-PyYAML",
            "uvicorn>=0.30",
        ],
    },
    entry_points={
        "console_scripts": [
            "wsvs = wsvs_ros.cli.main:main",
            "segmentation_node = wsvs_ros.ros.main:main",
        ],
    },
)
