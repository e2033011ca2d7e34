"""What the C library does with memory that is freed."""

from __future__ import annotations

import ctypes
import platform

# glibc's mallopt parameters (malloc.h).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the C library keep the memory that a step or a photo frees, for the next one to use.

    By default glibc hands large blocks back to the system at once and gets them again, page by page, for the next: that
    took a fifth of a training step on a CPU, and two fifths of decoding photos of 384 × 512. Other C libraries are left
    as they are. It holds for the whole process, so verbs switch it on, not functions for other programs. No number
    changes.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_MAX, 0)
        libc.mallopt(_TRIM_THRESHOLD, _NEVER)
