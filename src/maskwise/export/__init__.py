"""Finished runs as bundles: everything that predicts, in ONNX and plain files, for machines without torch.

Using a bundle (``reader``) needs ONNX Runtime; only writing one (``write_bundle``) needs torch.
"""

import os

# ONNX Runtime 1.32 reports each process to its maker that loads it, and leaves an id in the folder for temporary files.
# Here, because the word is read when onnxruntime is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
