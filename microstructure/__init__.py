"""Coated battery particles as voxels and spheres: recipes, packings, coats and the carbon in them."""

from .recipe import Recipe

__all__ = ["Recipe"]
