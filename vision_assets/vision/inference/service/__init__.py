"""What every service needs beside its model: limits, forms, answers, refusals, keys, the slot.

Torch-free and BentoML-free; a Bento project puts the pieces together.
"""
