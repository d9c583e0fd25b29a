"""Meaning without I/O: no await, no clock, no database."""
