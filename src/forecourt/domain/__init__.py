"""The rooms: what the business knows and decides, in no protocol's words."""
