"""What a page of the studio may load and run: itself, nothing of other hosts, and of scripts only its own."""

from __future__ import annotations

import base64
import hashlib

from starlette.responses import HTMLResponse

_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; script-src 'self'"
)


def page_response(html: str, status: int = 200) -> HTMLResponse:
    """``html`` as a response; the script at its end, where ``page`` puts it, is the only one inside it that runs."""
    _, is_there, after = html.rpartition("<script>")
    script = after.partition("</script>")[0] if is_there else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{_POLICY} 'sha256-{digest}'" if is_there else _POLICY
    return HTMLResponse(html, status, {"content-security-policy": policy})
