"""Ray while it is needed: a cluster that is joined, or this machine alone, started and ended here.

Ray is only imported when it is used; no torch.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator

from maskwise.errors import UserError, install_extra, must

OBJECT_STORE_BYTES = 128 * 2**20
"""Shared memory for what travels between the processes of one machine: names and probabilities, never pixels."""
ADDRESS = "RAY_ADDRESS"
"""Ray's own variable: where a running cluster is. Without it Ray is started on this machine, for this machine alone."""


def require_ray() -> None:
    """``UserError`` where Ray is not installed."""
    # Read when Ray is imported: it reports nothing to its makers, and to the user only what ends the work.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # Its workers would yield to all else on the machine, as no process of ours does that is started without it.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError:
        rule = "used where Ray is installed"
        raise UserError(must("--engine ray", rule, "no Ray here", install_extra("ray"))) from None


@contextlib.contextmanager
def ray_session(cores: int, address: str | None = None) -> Iterator[None]:
    """The cluster at ``address``, else that of ``RAY_ADDRESS``, else this machine with so many cores."""
    import ray

    named, found = ("--ray-address", address) if address else (ADDRESS, os.environ.get(ADDRESS))
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        if found:
            _join(named, found)
        else:
            _start(cores, folder)
        try:
            yield
        finally:
            ray.shutdown()


def _join(named: str, address: str) -> None:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        reason = str(error).splitlines()[0]
        remedy = "Start one, or unset it to use this machine alone."
        rule = "the address of a running Ray cluster"
        raise UserError(must(named, rule, f"{address} ({reason})", remedy)) from None


def _start(cores: int, folder: str) -> None:
    import ray

    ray.init(
        num_cpus=cores,
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
        _temp_dir=folder,
    )
