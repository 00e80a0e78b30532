"""Backups of a home, taken while everything runs."""
