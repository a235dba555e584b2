"""The pages about policies, freezes and groups."""
