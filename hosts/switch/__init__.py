"""A Linux bridge drawn as the switch that it is."""
