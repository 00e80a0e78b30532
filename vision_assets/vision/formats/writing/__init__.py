"""Writing images with their annotations, one module per format; the reverse of reading them."""
