"""Random acts of other people while a change waits for its confirm, and the judge of its end."""
