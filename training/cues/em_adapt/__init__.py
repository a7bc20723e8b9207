"""The cue em_adapt (MC 4.3's baseline): tags, and the share of a frame that each class has at least."""
