"""Finished runs as bundles: everything that predicts, in ONNX and plain files, for machines without torch.

Reading and asking a bundle (``reader``) needs ONNX Runtime; only writing one (``write_bundle``) needs torch.
"""
