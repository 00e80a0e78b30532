"""From what an older release wrote to what this one reads: one module for each change.

`home.json` in a home says its schema version. A migration takes a home from one to the next; it
may be run again at any time, and killed at any time.
"""
