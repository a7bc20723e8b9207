"""A run and what it needs: stages, work directory, processes, trainer, logs and pictures, and how it is measured."""
