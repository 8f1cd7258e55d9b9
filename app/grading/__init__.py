"""Graders: one file for each, and what they share. Importing any of these loads no model and no torch."""
