"""The composition root: ``house`` is all of it, ``rooms`` the rooms without a door.

Nothing is imported here: a command that looks at a room does not wait for the libraries of doors.
"""
