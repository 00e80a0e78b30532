"""What every service needs beside its model: limits, uploads, answers, refusals, the slot.

Torch-free and BentoML-free; a Bento project puts the pieces together.
"""
