"""A whole process: a full queue, the end on SIGTERM, keys, and what it refuses to start with."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest

from maskwise.errors import UserError
from maskwise.export.bundle_files import CHECKSUMS, checksum_lines
from maskwise.export.reader import load
from maskwise.serving.config import ServeSettings
from maskwise.serving.run_service import listen
from support.running_service import Running, error_of, running_service, status_of
from support.small_bundle import NETWORK, write_small_bundle

JPEG = {"content-type": "image/jpeg"}
SLOW = ("threads=1", "queue_images=4", "request_images=2", "batch_images=1", "explain_waiting=0")


@pytest.fixture(scope="module")
def slow_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that takes a tenth of a second or more for a face."""
    return write_small_bundle(tmp_path_factory.mktemp("slow") / "bundle", layers=40)


@pytest.fixture
def slow(slow_bundle: Path, temporary: Path) -> Iterator[Running]:
    with running_service(slow_bundle, temporary, settings=SLOW) as running:
        yield running


def post(running: Running, photo: bytes) -> httpx.Response:
    with running.client() as client:
        return client.post("/v1/predict", params={"faces": "whole"}, content=photo, headers=JPEG)


def test_a_full_queue_sheds_and_the_queued_are_answered_right(
    slow: Running, slow_bundle: Path, photos: list[bytes]
) -> None:
    sent = [photos[number % len(photos)] for number in range(24)]
    with ThreadPoolExecutor(len(sent)) as pool:
        responses = list(pool.map(lambda photo: post(slow, photo), sent))
    with load(slow_bundle) as bundle:
        expected = {photo: bundle.predict(photo)[0].probs_C for photo in photos}
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 4
    for photo, response in zip(sent, responses, strict=True):
        if response.status_code == 200:
            found = response.json()["results"][0]["predictions"][0]["joint_probs"]
            np.testing.assert_allclose(found, expected[photo], atol=1e-6)
        else:
            assert response.json()["error"]["code"] == "busy"
            assert 1 <= int(response.headers["retry-after"]) <= 30
    assert post(slow, photos[0]).status_code == 200


def test_one_client_may_not_take_all(slow_bundle: Path, temporary: Path, photos: list[bytes]) -> None:
    """Neither the queue nor the connections; others are still served."""
    settings = (*SLOW, "client_images=2", "client_connections=20")
    with running_service(slow_bundle, temporary, settings=settings) as running:
        with ThreadPoolExecutor(8) as pool:
            statuses = [each.status_code for each in pool.map(lambda _: post(running, photos[0]), range(16))]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) >= 2
        with ExitStack() as opened:
            for _ in range(20):
                opened.enter_context(socket.create_connection(running.address))
            refused = running.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (status_of(refused), error_of(refused)) == (429, "too_many_connections")
        with running.client() as client:
            assert client.get("/readyz").status_code == 200


def test_clients_behind_a_proxy_are_kept_apart(slow_bundle: Path, temporary: Path, photos: list[bytes]) -> None:
    settings = ("threads=1", "queue_images=8", "request_images=1", "client_images=1")
    with running_service(slow_bundle, temporary, settings=(*settings, "client_header=X-Forwarded-For")) as running:

        def of(client: str) -> int:
            headers = {**JPEG, "x-forwarded-for": f"9.9.9.9, {client}"}
            with running.client() as each:
                return each.post(
                    "/v1/predict", params={"faces": "whole"}, content=photos[0], headers=headers
                ).status_code

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(of, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"])) == [200] * 4


def test_sigterm_answers_what_is_under_way_and_leaves_with_0(slow: Running, photos: list[bytes]) -> None:
    responses: list[httpx.Response] = []
    asking = [threading.Thread(target=lambda: responses.append(post(slow, photos[0]))) for _ in range(3)]
    for thread in asking:
        thread.start()
    with slow.client() as client:
        while "\nmaskwise_queue_photos 3.0\n" not in client.get("/metrics").text and len(responses) < 3:
            pass
    assert slow.stop() == 0
    for thread in asking:
        thread.join()
    assert [response.status_code for response in responses] == [200, 200, 200]
    lines = slow.log_lines_until(lambda line: line["event"] == "stopped")
    assert [line["event"] for line in lines if line["event"] != "request"] == ["ready", "draining", "stopped"]


class Clients:
    """Threads that send photos until the service is gone, each waiting for its response before it sends again."""

    def __init__(self, running: Running, photo: bytes, count: int) -> None:
        self.running, self.photo = running, photo
        self.statuses: list[int] = []
        self.lost_s: list[float] = []
        """When a request found no service, or lost its connection."""
        self.threads = [threading.Thread(target=self._send) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        while not self.lost_s:
            try:
                self.statuses.append(post(self.running, self.photo).status_code)
            except httpx.TransportError:
                self.lost_s.append(time.monotonic())


@pytest.mark.slow
def test_sigterm_under_load_answers_all_that_was_accepted(
    slow_bundle: Path, temporary: Path, photos: list[bytes]
) -> None:
    """More is sent than can be predicted: what was accepted gets its prediction, and the process leaves with 0."""
    settings = ("threads=1", "queue_images=8", "request_images=1", "client_images=100", "drain_seconds=20")
    with running_service(slow_bundle, temporary, settings=settings) as running:
        clients = Clients(running, photos[0], 24)
        while clients.statuses.count(200) < 10 or 503 not in clients.statuses:
            time.sleep(0.05)
            assert not clients.lost_s
        stopped_s = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - stopped_s < 20
        for thread in clients.threads:
            thread.join()
        lines = running.log_lines_until(lambda line: line["event"] == "stopped")
    logged = [line["status"] for line in lines if line["event"] == "request" and line["route"] == "/v1/predict"]
    assert logged.count(200) == clients.statuses.count(200)
    assert set(logged) == set(clients.statuses) == {200, 503}
    assert min(clients.lost_s) > stopped_s


def test_keys_are_asked_for_where_photos_are_read(
    small_bundle: Path, temporary: Path, tmp_path: Path, photos: list[bytes]
) -> None:
    """And notice is given on SIGTERM: not ready any more, still there."""
    keys = tmp_path / "keys"
    keys.write_text("# two clients\nfirst-key-of-sixteen\nsecond-key-of-sixteen\n")
    options = ("--api-key-file", str(keys), "--allow-host", "faces.example")
    with running_service(small_bundle, temporary, *options, settings=("notice_seconds=2",)) as running:
        with running.client() as client:

            def status(**headers: str) -> int:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return client.post("/v1/predict", content=photos[0], headers={**JPEG, **named}).status_code

            assert (
                status() == status(x_api_key="first-key") == status(authorization="Basic first-key-of-sixteen") == 401
            )
            assert status(x_api_key="first-key-of-sixteen") == 200
            assert status(authorization="Bearer second-key-of-sixteen", host="faces.example:1234") == 200
            assert client.get("/v1/model").headers["www-authenticate"] == "Bearer"
            assert client.get("/metrics").status_code == 401
            assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200] * 3
            running.process.send_signal(signal.SIGTERM)
            while client.get("/readyz").status_code == 200:
                pass
            assert client.get("/readyz").json()["error"]["code"] == "draining"
            assert client.get("/healthz").status_code == 200
        assert running.process.wait(timeout=20) == 0
        assert "key-of-sixteen" not in str(running.log_lines())


def test_it_refuses_to_start_without_a_bundle(tmp_path: Path, cli: Callable[..., str]) -> None:
    with pytest.raises(UserError, match=r"RUN\|BUNDLE must be given"):
        cli("serve")
    with pytest.raises(UserError, match=r"must be a bundle, got .*without SHA256SUMS"):
        cli("serve", str(tmp_path), "--port", "0")
    with pytest.raises(UserError, match="queue_images"):
        cli("serve", str(tmp_path), "--set", "queue_imgs=3")
    with pytest.raises(UserError, match=r"--port must be .*65535, got '99999'") as caught:
        cli("serve", str(tmp_path), "--port", "99999")
    assert "recipe" not in str(caught.value)
    with pytest.raises(UserError, match="run must be an id"):
        cli("serve", "nothing-of-that-name", "--store", str(tmp_path))
    assert "queue_images = 64" in cli("serve", "--show-settings")


def test_a_bundle_that_cannot_predict_ends_with_its_reason(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    model = onnx.load(bundle / NETWORK)
    next(node for node in model.graph.node if "probs" in node.output).output[0] = "classes"
    model.graph.node.append(onnx.helper.make_node("Concat", ["classes", "classes"], ["probs"], axis=1))
    model.graph.output[0].type.tensor_type.shape.dim[1].ClearField("dim_value")
    onnx.save(model, bundle / NETWORK)
    files = [path for path in bundle.rglob("*") if path.is_file() and path.name != CHECKSUMS]
    sums = checksum_lines({path.relative_to(bundle).as_posix(): path.read_bytes() for path in files})
    (bundle / CHECKSUMS).write_text(sums)
    words = [sys.executable, "-m", "maskwise", "serve", str(bundle), "--port", "0"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "numbers of the shape (1, 18)" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_is_exported_to_the_cache_and_served(trained: Path, temporary: Path, tmp_path: Path) -> None:
    words = ("--store", str(trained.parent), "--cache", str(tmp_path))
    for _ in range(2):
        with running_service(trained, temporary, *words) as running, running.client() as client:
            assert client.get("/v1/model").json()["name"] == "tiny"
    assert len(list((tmp_path / "bundles").iterdir())) == 1


def test_a_port_that_is_taken_is_reported(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(UserError, match="must be free to listen on"):
        listen(ServeSettings(port=free_port), f"--port {free_port}")


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
