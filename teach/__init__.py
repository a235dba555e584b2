"""Explains in place: what the words of the pages mean."""
