"""Running a bundle's ONNX model, with an explicit number of threads."""

import numpy as np

from vision_assets.vision.errors import BundleError
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle

INPUT = "images"


class Session:
    """ONNX Runtime over one bundle; safe to call from several threads."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """Load the model.

        Args:
            bundle: a verified bundle.
            threads: cores that one call may use; ONNX Runtime's own default is all of them.

        Raises:
            BundleError: the model cannot be loaded, or does not take what the contract says.
        """
        # Here, because it starts a thread, and a service is imported before its workers are forked.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.read(MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise BundleError(
                f"{bundle.folder / MODEL_FILE} cannot be loaded by ONNX Runtime "
                f"{onnxruntime.__version__}: {error}"
            ) from error
        self.output_names = tuple(output.name for output in self._session.get_outputs())
        self._size = (bundle.card.input.height_px, bundle.card.input.width_px)
        self._check_input(bundle)

    def run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Run the model on a batch.

        Args:
            images: (n, h, w, 3) uint8 RGB, of the size that the card says.

        Returns:
            Each output by name; the first axis is the batch.

        Raises:
            ValueError: the batch has another shape or dtype.
        """
        if images.dtype != np.uint8 or images.shape[1:] != (*self._size, 3):
            raise ValueError(
                f"expected (n, {self._size[0]}, {self._size[1]}, 3) uint8, "
                f"got {images.shape} {images.dtype}"
            )
        values = self._session.run(None, {INPUT: images})
        return {
            name: np.asarray(value) for name, value in zip(self.output_names, values, strict=True)
        }

    def _check_input(self, bundle: Bundle) -> None:
        taken = [(entry.name, entry.type, len(entry.shape)) for entry in self._session.get_inputs()]
        if taken != [(INPUT, "tensor(uint8)", 4)]:
            raise BundleError(
                f"{bundle.folder / MODEL_FILE} must take one input {INPUT!r} of "
                f"(n, h, w, 3) uint8, it takes {taken}; export the model again"
            )
