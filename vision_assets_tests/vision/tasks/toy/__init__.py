"""A fifth task, known to the tests alone: how bright an image is tells its class."""
