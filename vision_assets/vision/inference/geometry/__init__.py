"""Boxes, polygons, masks and windows, in pixels of the upright picture. Free of torch."""
