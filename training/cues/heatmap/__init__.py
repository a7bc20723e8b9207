"""The heatmap cue (BF 3.1): classifiers of foreground and background classes say where each tagged class is."""
