"""Keeping a home in order for years: backup, restore, housekeeping."""
