"""A name for every request: the client's where it is a harmless one, else ours."""

from __future__ import annotations

import itertools
import re
import secrets

SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""What may be repeated in headers, logs and answers."""

_process = secrets.token_hex(4)
_numbers = itertools.count()


def new_request_id() -> str:
    """Not given before, in this process or in any other."""
    return f"{_process}{next(_numbers):08x}"
