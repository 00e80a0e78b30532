"""The search for a better recipe: a study of trials, each a training of its own."""
