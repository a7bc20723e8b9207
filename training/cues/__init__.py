"""Where weak supervision comes from, one room a cue: what it says of a frame, and the stage that asks it of all.

Each room's ``cue.py`` is its face, of the type :class:`training.cues.interface.Cue`;
:data:`training.cues.registry.CUES` has them all by the configuration's names.
"""
