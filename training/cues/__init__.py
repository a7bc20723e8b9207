"""Where weak supervision comes from, one file a cue."""
