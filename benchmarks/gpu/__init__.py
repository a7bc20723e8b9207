"""Everything there is to know of this project on a GPU, by one command: see `__main__`."""
