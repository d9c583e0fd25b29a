"""Tables and SQL of this room, by topic."""
