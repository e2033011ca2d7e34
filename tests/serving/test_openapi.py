"""The service against its own OpenAPI document, by Schemathesis: what it says of itself holds for what nobody wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.running_service import running_service


def test_the_document_names_every_status(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    statuses = set(paths["/v1/predict"]["post"]["responses"])
    assert statuses == {"200", *("400", "401", "408", "411", "413", "415", "422", "429", "431", "500", "503")}
    body = paths["/v1/predict"]["post"]["requestBody"]["content"]
    assert set(body) == {"image/*", "application/octet-stream", "multipart/form-data"}
    assert "cdn" not in json.dumps(paths)


@pytest.mark.slow
def test_schemathesis_finds_nothing(small_bundle: Path, temporary: Path) -> None:
    """Without one check: bytes made up for a photo are no photo, so that good data is refused with 415 and 422."""
    with running_service(small_bundle, temporary) as running:
        words = ["run", f"{running.url}openapi.json", "--seed", "1", "--max-examples", "20", "--no-color"]
        command = [sys.executable, "-m", "schemathesis.cli", *words, "--exclude-checks", "positive_data_acceptance"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stdout[-5000:]
        assert "Tested: 6" in done.stdout
        with running.client() as client:
            assert client.get("/readyz").status_code == 200
