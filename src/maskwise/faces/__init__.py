"""Faces: crops of a photo; masks drawn on portraits; people drawn by code, who make a data set to try everything on.

``seven_photos.seven_photos`` puts masks on a portrait; ``portraits.draw_photo`` draws a photo of one,
``demo_set.write_demo_set`` a whole set in the competition's layout.
"""
