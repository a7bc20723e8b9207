"""A recorded drive through the segmenter into a folder, or many of them: here, in processes, on a cluster, or live."""
