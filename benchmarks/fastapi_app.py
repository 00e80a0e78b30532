"""What one would write by hand: FastAPI around the same predictor."""

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI, UploadFile

from benchmarks.endpoint import BUNDLE_VARIABLE
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import DEFAULT_LIMITS
from vision_assets.vision.inference.predictor import Predictor

app = FastAPI()
predictor = Predictor(Bundle.load(Path(os.environ[BUNDLE_VARIABLE])), DEFAULT_LIMITS, threads=1)


@app.post("/predict")
def predict(image: UploadFile) -> dict[str, Any]:
    """Answer one picture."""
    return predictor.predict(image.file.read())
