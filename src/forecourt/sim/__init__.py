"""Simulated stations, cars and drivers that speak the true protocols: a seeded world.

Knows only the wire: it may import the words of ``base`` and the messages of ``protocol``, and must
never know the rooms, the gateway or the settings. Anybody's central system can be its other end.
"""
