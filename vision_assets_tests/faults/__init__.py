"""Faults that are injected where they hurt: power cuts, full disks, clocks, shares, kills."""
