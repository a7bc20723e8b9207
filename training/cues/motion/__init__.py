"""The motion cue (MC 3): what moves by itself in a shot is an object of its tags."""
