"""`python -m vision_assets.cli`."""

from vision_assets.cli import app

if __name__ == "__main__":
    app()
