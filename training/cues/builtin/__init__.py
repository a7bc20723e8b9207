"""The cues builtin, cam and multi_class (BP 3.1): what a classifier fires at, and which class it takes it for."""
