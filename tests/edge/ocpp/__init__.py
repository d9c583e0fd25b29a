"""Stations before the door: a package, so that its house ends when its tests do."""
