"""Faces: finding them once, and crops of a photo by them."""
