"""The photos of a training kept on its GPU: a batch is picked there instead of being sent.

18,900 photos of 224 × 192 take 2.4 GB as bytes. Sent anew, a batch of 256 of them is 33 MB from pageable memory, which
the processor copies once more on the way; picked on the device it costs a list of 256 numbers.
"""

from __future__ import annotations

import threading

import numpy as np
import torch
from torch import Tensor

from maskwise.records import Ints
from maskwise.training.batches import ReadPixels

MOST_OF_FREE_MEMORY = 0.4
"""Photos that would take more than this share of the free memory are sent batch by batch: the model needs the rest."""
_PHOTOS_AT_ONCE = 512


class ResidentPhotos:
    """``read``, from a copy of all photos on ``device``, which is made when the first one is needed."""

    def __init__(self, read: ReadPixels, n_photos: int, device: torch.device) -> None:
        self.read, self.n_photos, self.device = read, n_photos, device
        self._lock = threading.Lock()
        self._pixels_NHWC: Tensor | None = None

    def __call__(self, index_M: Ints) -> Tensor:
        """uint8 M × H × W × 3 on the device."""
        with self._lock:
            if self._pixels_NHWC is None:
                self._pixels_NHWC = self._copied()
        index = torch.from_numpy(np.asarray(index_M, dtype=np.int64)).to(self.device, non_blocking=True)
        return self._pixels_NHWC.index_select(0, index)

    def _copied(self) -> Tensor:
        parts = np.array_split(np.arange(self.n_photos), max(1, self.n_photos // _PHOTOS_AT_ONCE))
        # Not a list of parts joined at the end: for a moment all photos would be there twice.
        pixels_NHWC: Tensor | None = None
        for part in parts:
            pixels_MHWC = torch.as_tensor(self.read(part))
            if pixels_NHWC is None:
                shape = (self.n_photos, *pixels_MHWC.shape[1:])
                pixels_NHWC = torch.empty(shape, dtype=torch.uint8, device=self.device)
            pixels_NHWC[int(part[0]) : int(part[-1]) + 1] = pixels_MHWC
        assert pixels_NHWC is not None, "a set of no photos is not kept"
        return pixels_NHWC


def near(device: torch.device, read: ReadPixels, n_photos: int, photo_bytes: int) -> ReadPixels:
    """``read`` as it is on a CPU; on a GPU that has room for all ``n_photos`` the same from its memory."""
    if device.type != "cuda":
        return read
    free_bytes, _ = torch.cuda.mem_get_info(device)
    fits = n_photos * photo_bytes <= MOST_OF_FREE_MEMORY * free_bytes
    return ResidentPhotos(read, n_photos, device) if fits and n_photos else read
