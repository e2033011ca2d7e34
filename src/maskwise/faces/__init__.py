"""Faces: crops of a photo, and people drawn by code, whose portraits make a data set to try everything on.

``portraits.draw_photo`` draws one photo, ``demo_set.write_demo_set`` a whole set in the competition's layout.
"""
