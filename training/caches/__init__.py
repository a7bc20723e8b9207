"""What is kept from one run to the next, by the content of what it was made of."""

from training.caches.aside import folder_aside, save_array, written_aside
from training.caches.cache import Cache, Ingredients, ingredients_of, left_out_of
from training.caches.contents import Contents, contents_in, digest

__all__ = [
    "Cache",
    "Contents",
    "Ingredients",
    "contents_in",
    "digest",
    "folder_aside",
    "ingredients_of",
    "left_out_of",
    "save_array",
    "written_aside",
]
