"""Everything that can be set of the service. No torch, no FastAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from maskwise.errors import UserError, must
from maskwise.recipe.changes import apply_changes
from maskwise.recipe.explain import CHANGE_IT, explain
from maskwise.serving.host_names import LOOPBACK, parse_allowed
from maskwise.settings import Settings


class ServeSettings(Settings):
    """One service. What bounds it is set here: no queue, body, wait or count is without an end."""

    model_config = ConfigDict(use_attribute_docstrings=True)  # for ``settings_table``; reading them takes a millisecond

    host: str = "127.0.0.1"
    """The address to listen on. 127.0.0.1 serves this machine alone; 0.0.0.0 serves whoever reaches it."""

    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 takes a free one, which is printed."""

    allow_hosts: tuple[str, ...] = ()
    """Names in the Host header that are served (example.org, *.example.org or * for any), beside this machine's own
    when it serves this machine alone. Empty with another address: any name."""

    path_prefix: str = Field(default="", pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    """What a proxy leaves before the paths of the service, such as /faces."""

    client_header: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    """The header in which your proxy names the client, such as X-Forwarded-For; its last entry counts. Empty: whoever
    opened the connection. Set it only where nobody reaches the service but through the proxy."""

    threads: int | None = Field(default=None, ge=1, le=256)
    """Photos or batches worked on at once, one core each. Unset: one per core."""

    batch_images: int = Field(default=16, ge=1, le=1024)
    """The most faces in one batch."""

    batch_wait_ms: float = Field(default=20.0, ge=0, le=1000, allow_inf_nan=False)
    """How long a face may wait for others of its batch while other photos are being decoded. Nothing waits when there
    is nothing else to do."""

    queue_images: int = Field(default=64, ge=1, le=100_000)
    """Photos that may wait or be worked on. Beyond it the service says 503 and when to come back."""

    client_images: int = Field(default=48, ge=1, le=100_000)
    """The most photos of one client that may wait or be worked on. Beyond it that client gets 429."""

    explain_waiting: int = Field(default=2, ge=0, le=1000)
    """Explanations that may wait for the one at work."""

    explain_rows: int = Field(default=8, ge=1, le=64)
    """Rows of an explanation's grid. One costs rows × cols predictions."""

    explain_cols: int = Field(default=6, ge=1, le=64)
    """Columns of an explanation's grid."""

    body_bytes: int = Field(default=16 * 2**20, ge=1024)
    """The most bytes of one request's body."""

    held_bytes: int = Field(default=256 * 2**20, ge=1024)
    """The most bytes of all bodies that are held in memory at once. Beyond it the service says 503."""

    photo_pixels: int = Field(default=25_000_000, ge=1, le=50_000_000)
    """The most pixels of one photo; known from its header, before anything is decoded."""

    large_pixels: int = Field(default=4_000_000, ge=1)
    """Photos of more pixels are decoded one at a time, so that they neither fill the memory nor hold up small ones."""

    request_images: int = Field(default=16, ge=1, le=1000)
    """The most photos in one request."""

    connections: int = Field(default=512, ge=1, le=100_000)
    """Connections open at once. More get 503 and are closed."""

    client_connections: int = Field(default=256, ge=1, le=100_000)
    """Connections of one client open at once, unless client_header is set. More get 429 and are closed."""

    header_bytes: int = Field(default=16_384, ge=512)
    """The most bytes of a request's line and headers."""

    header_count: int = Field(default=64, ge=4)
    """The most headers of a request."""

    header_seconds: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """How long a client may take to send the headers of a request, and to begin one on a new connection."""

    body_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """How long a client may take to send the body of a request."""

    send_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """How long a client may take to read a response."""

    idle_seconds: int = Field(default=15, ge=1)
    """How long an idle connection is kept open between requests."""

    notice_seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """After SIGTERM, how long /readyz says 503 while requests are still accepted, so that a load balancer goes away."""

    drain_seconds: int = Field(default=30, ge=1)
    """After that, how long requests under way may take until they are cut off."""

    @field_validator("allow_hosts")
    @classmethod
    def _bare_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(parse_allowed, names))

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> Self:
        if self.held_bytes < self.body_bytes:
            remedy = "Raise held_bytes, or lower body_bytes."
            raise ValueError(must("held_bytes", f"at least body_bytes ({self.body_bytes})", self.held_bytes, remedy))
        if self.request_images > self.queue_images:
            remedy = "Raise queue_images, or lower request_images."
            rule = f"at least request_images ({self.request_images})"
            raise ValueError(must("queue_images", rule, self.queue_images, remedy))
        if self.request_images > self.client_images:
            rule = f"at least request_images ({self.request_images})"
            raise ValueError(must("client_images", rule, self.client_images, "Raise it, or lower request_images."))
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK


def parse_settings(given: dict[str, Any], changes: Sequence[str]) -> ServeSettings:
    """``given`` with every ``name=value`` of ``changes`` put in; ``UserError`` names all that is wrong."""
    settings = dict(given)
    apply_changes(settings, changes)
    try:
        return ServeSettings.model_validate(
            {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
        )
    except ValidationError as error:
        lines = explain(error, ServeSettings)
        raise UserError([line.replace(CHANGE_IT, "See --show-settings.") for line in lines]) from None


def settings_table() -> str:
    """Every setting with its default and what it does, for ``maskwise serve --show-settings``."""
    lines = []
    for name, field in ServeSettings.model_fields.items():
        default = "unset" if field.default is None else field.default
        lines.append(f"{name} = {default}\n    {' '.join((field.description or '').split())}")
    return "\n".join(lines)
