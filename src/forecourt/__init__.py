"""Forecourt runs electric-vehicle charging networks."""
