"""
The offline journey, from tags to a bundle for the car.

Here lie the commands alone, each run as ``python -m training.NAME``; what they are made of lies in the rooms below:

- :mod:`training.datasets`: **data**, tagged drives and images and public datasets as one kind of sample
- :mod:`training.cues`: where **weak supervision** comes from, one room a cue
- :mod:`training.networks`: backbones, the two-stream **network**, its **losses**
- :mod:`training.running`: a **run** and what it needs: stages, processes, checkpoints, measures
- :mod:`training.caches`: what is **kept** from one run to the next, by the content of what it was made of
- :mod:`training.config`: the configuration, of which :file:`configs` holds those that are ready to be used

In the order of a first use: ``flow`` and ``look`` make and show what is learnt from, ``fit`` trains, ``evaluate``
measures, ``export`` writes the bundle. ``ablate`` compares variants, ``tags`` and ``suggest`` help with tags,
``submit`` and ``colocalise`` measure as benchmarks ask for.
"""
