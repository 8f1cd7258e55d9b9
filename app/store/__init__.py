"""Rounds in a SQLite file. Rows are written once; only drafts change."""
