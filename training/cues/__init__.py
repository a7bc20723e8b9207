"""Where weak supervision comes from, one room a cue: what it says of a frame, and the stage that asks it of all."""
