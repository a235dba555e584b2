"""NAT rules of our own: what they are, how they are read, how a table gets to have them. Pure."""
