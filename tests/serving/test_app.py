"""The routes, called as clients call them."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image as PillowImage

from maskwise.export.prediction import Prediction
from maskwise.export.reader import load
from maskwise.labels import Task
from maskwise.serving.schema import ErrorResponse, ExplainResponse, ModelResponse, PredictResponse
from support.running_service import Running, running_service
from support.small_bundle import FRAMING, write_small_bundle

JPEG = {"content-type": "image/jpeg"}


def form(*images: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("image", (f"{number}.jpg", image, "image/jpeg")) for number, image in enumerate(images)]


def check_predicted(response: httpx.Response) -> PredictResponse:
    assert response.status_code == 200, response.text
    return PredictResponse.model_validate_json(response.content)


def check_refused(response: httpx.Response) -> tuple[int, str]:
    error = ErrorResponse.model_validate_json(response.content)
    assert response.headers["x-request-id"] == error.request_id
    return response.status_code, error.error.code


def test_a_photo_as_the_body_is_answered_as_by_the_bundle(
    client: httpx.Client, small_bundle: Path, photos: list[bytes]
) -> None:
    with load(small_bundle) as bundle:
        for photo in photos:
            (result,) = check_predicted(client.post("/v1/predict", content=photo, headers=JPEG)).results
            (expected,) = bundle.predict_faces(photo)[0]
            (found,) = result.predictions
            assert (result.image, result.name, result.width_px, result.height_px) == (0, None, 384, 512)
            np.testing.assert_allclose(found.joint_probs, expected.probs_C, atol=1e-6)
            assert expected.face is not None
            assert found.box_xyxy_px == pytest.approx(expected.face.box_xyxy_px)
            assert (found.face_confidence, found.age_years) == pytest.approx((expected.face.score, expected.age_years))
            assert (found.joint_class, found.class_name) == (expected.class_code, expected.class_name)


def test_words_and_probabilities_fit_each_other(client: httpx.Client, photos: list[bytes]) -> None:
    (result,) = check_predicted(client.post("/v1/predict", content=photos[0], headers=JPEG)).results
    (found,) = result.predictions
    task = Task()
    expected = Prediction(task, np.array(found.joint_probs))
    assert (found.mask, found.gender, found.age_group) == tuple(expected.words().values())
    assert list(found.probs) == ["mask", "gender", "age_group"]
    assert found.probs["age_group"] == pytest.approx(expected.attribute_probs("age"))
    assert sum(found.joint_probs) == pytest.approx(1, abs=1e-5)
    assert found.confidence == pytest.approx(max(found.joint_probs))


def test_good_photos_are_answered_beside_bad_ones(
    client: httpx.Client, photos: list[bytes], no_face: bytes, small_bundle: Path
) -> None:
    images = form(photos[0], b"no photo", no_face, photos[1][:5000])
    results = check_predicted(client.post("/v1/predict", files=images)).results
    assert [result.image for result in results] == [0, 1, 2, 3]
    assert [result.name for result in results] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert [len(result.predictions) for result in results] == [1, 0, 0, 0]
    assert [result.error and result.error.code for result in results] == [None, "unsupported_type", None, "unreadable"]
    assert (results[2].width_px, results[1].width_px) == (100, None)
    with load(small_bundle) as bundle:
        expected = bundle.predict_faces(photos[0])[0][0]
    np.testing.assert_allclose(results[0].predictions[0].joint_probs, expected.probs_C, atol=1e-6)


def test_whole_photos_calibrated_and_abstaining(
    client: httpx.Client, small_bundle: Path, photos: list[bytes], no_face: bytes
) -> None:
    query = {"faces": "whole", "calibrated": "true", "abstain_below": "0.99"}
    results = check_predicted(client.post("/v1/predict", params=query, files=form(photos[0], no_face))).results
    with load(small_bundle) as bundle:
        expected = bundle.predict([photos[0], no_face], calibrated=True)
    for result, prediction in zip(results, expected, strict=True):
        (found,) = result.predictions
        np.testing.assert_allclose(found.joint_probs, prediction.probs_C, atol=1e-6)
        assert (found.box_xyxy_px, found.face_confidence) == (None, None)
        assert found.joint_class == found.class_name == found.mask == "abstain"


def test_photos_of_another_framing_are_cut_and_it_is_said(tmp_path: Path, photos: list[bytes], no_face: bytes) -> None:
    """By default; a photo in the framing of training stays whole, and of several faces the largest is predicted."""
    bundle_folder = write_small_bundle(tmp_path / "bundle", FRAMING.model_copy(update={"spread": 0.1}))
    near, other = (np.asarray(PillowImage.open(io.BytesIO(photo)))[:, :, ::-1] for photo in photos[:2])
    far = np.full((1200, 1500, 3), 128, np.uint8)
    far[100:612, 100:484] = near
    far[700:956, 1000:1192] = cv2.resize(other, (192, 256), interpolation=cv2.INTER_AREA)
    sent = [photos[0], bytes(cv2.imencode(".png", far)[1]), no_face]
    with running_service(bundle_folder, tmp_path) as running, running.client() as client:
        results = check_predicted(client.post("/v1/predict", files=form(*sent))).results
        described = ModelResponse.model_validate_json(client.get("/v1/model").content)
        whole = check_predicted(client.post("/v1/predict", params={"faces": "whole"}, files=form(*sent))).results
    assert described.faces == ["whole", "each", "auto"]
    assert [(each.cropped, each.faces_found) for each in results] == [(False, 1), (True, 2), (False, 0)]
    assert [(each.cropped, each.faces_found) for each in whole] == [(False, None)] * 3
    with load(bundle_folder) as bundle:
        as_sent, auto = bundle.predict(sent, faces="whole"), bundle.predict(sent)
    assert [each.face is not None for each in auto] == [False, True, False]
    for result, expected in zip([*results, *whole], [*auto, *as_sent], strict=True):
        np.testing.assert_allclose(result.predictions[0].joint_probs, expected.probs_C, atol=1e-6)
    (cut,) = results[1].predictions
    assert cut.box_xyxy_px is not None
    left, top, right, bottom = cut.box_xyxy_px
    assert 100 < left < right < 484
    assert 100 < top < bottom < 612


@pytest.mark.parametrize(
    "query", [{"faces": "some"}, {"abstain_below": "2"}, {"abstain_below": "nan"}, {"calibrated": "x"}, {"nope": "1"}]
)
def test_a_query_that_makes_no_sense_is_refused(
    client: httpx.Client, photos: list[bytes], query: dict[str, str]
) -> None:
    response = client.post("/v1/predict", params=query, content=photos[0], headers=JPEG)
    assert check_refused(response) == (422, "bad_query")


def test_what_is_no_photo_says_why(client: httpx.Client, photos: list[bytes]) -> None:
    def predicted(content: bytes, content_type: str) -> tuple[int, str]:
        return check_refused(client.post("/v1/predict", content=content, headers={"content-type": content_type}))

    assert predicted(b"no photo", "image/jpeg") == (415, "unsupported_type")
    assert predicted(photos[0], "text/plain") == (415, "unsupported_type")
    assert predicted(photos[0][:2000], "application/octet-stream") == (422, "unreadable")
    assert predicted(b"", "image/png") == (400, "no_image")
    assert predicted(b"--x", "multipart/form-data; boundary=y") == (400, "malformed_form")
    assert check_refused(client.post("/v1/predict", files=form(b"GIF89a", b""))) == (422, "no_readable_photo")
    assert check_refused(client.post("/v1/predict", files=form(*[photos[0]] * 5))) == (413, "too_many_images")
    assert check_refused(client.post("/v1/predict", files={"photo": photos[0]})) == (400, "unexpected_field")
    gzipped = client.post("/v1/predict", content=photos[0], headers={**JPEG, "content-encoding": "gzip"})
    assert check_refused(gzipped) == (415, "unsupported_encoding")


@pytest.mark.parametrize("content_type", ["image/jpg", "image/pjpeg", "image/*", "image/x-png", "IMAGE/JPEG; q=1"])
def test_the_type_follows_from_the_bytes(client: httpx.Client, photos: list[bytes], content_type: str) -> None:
    check_predicted(client.post("/v1/predict", content=photos[0], headers={"content-type": content_type}))


@pytest.mark.parametrize("suffix", [".bmp", ".png", ".webp", ".tiff", ".avif", ".gif"])
def test_every_format_that_predict_reads(client: httpx.Client, photos: list[bytes], suffix: str) -> None:
    pixels = cv2.resize(cv2.imdecode(np.frombuffer(photos[0], np.uint8), cv2.IMREAD_COLOR), (192, 256))
    sink = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(sink, suffix[1:].upper())
    headers = {"content-type": "application/octet-stream"}
    check_predicted(client.post("/v1/predict", params={"faces": "whole"}, content=sink.getvalue(), headers=headers))


def test_an_explanation_of_one_answer(client: httpx.Client, photos: list[bytes], no_face: bytes) -> None:
    response = client.post("/v1/explain", files=form(photos[0]))
    assert response.status_code == 200
    parsed = ExplainResponse.model_validate_json(response.content)
    (found,) = check_predicted(client.post("/v1/predict", files=form(photos[0]))).results[0].predictions
    assert (parsed.class_name, parsed.box_xyxy_px) == (found.class_name, found.box_xyxy_px)
    assert np.array(parsed.drop).shape == (parsed.grid_rows, parsed.grid_cols) == (3, 2)
    assert np.abs(parsed.drop).max() > 0
    assert check_refused(client.post("/v1/explain", params={"face": 1}, files=form(photos[0]))) == (422, "no_such_face")
    assert check_refused(client.post("/v1/explain", files=form(no_face))) == (422, "no_such_face")
    assert check_refused(client.post("/v1/explain", files=form(photos[0], photos[1]))) == (413, "too_many_images")


def test_the_model_says_what_it_is(client: httpx.Client) -> None:
    parsed = ModelResponse.model_validate_json(client.get("/v1/model").content)
    assert (parsed.name, parsed.precision, parsed.faces, parsed.can_calibrate) == (
        "small",
        "fp32",
        ["whole", "each"],
        True,
    )
    assert parsed.classes == list(Task().class_names)
    assert parsed.inputs_px == [[48, 36]]
    assert parsed.limits == {"body_bytes": 300_000, "photo_pixels": 1_000_000, "request_images": 4}
    assert parsed.card.startswith("# Model card")
    korean = ModelResponse.model_validate_json(client.get("/v1/model?language=ko").content)
    assert (korean.card[:6], korean.classes) == ("# 모델 카", parsed.classes)
    assert check_refused(client.get("/v1/model?language=fr")) == (422, "bad_query")


def test_addresses_and_methods(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert check_refused(client.get("/nothing")) == (404, "not_found")
    response = client.get("/v1/predict")
    assert (check_refused(response), response.headers["allow"]) == ((405, "method_not_allowed"), "POST")
    assert client.get("/docs").status_code == 200
    assert sorted(client.get("/openapi.json").json()["paths"]) == [
        *("/healthz", "/metrics", "/readyz", "/v1/explain", "/v1/model", "/v1/predict")
    ]


def test_what_was_done_is_counted(client: httpx.Client, photos: list[bytes]) -> None:
    def value(line: str) -> float:
        found = [each for each in client.get("/metrics").text.splitlines() if each.startswith(f"{line} ")]
        return float(found[0].rsplit(" ", 1)[1]) if found else 0

    answered_line = 'maskwise_requests_total{route="/v1/predict",status="200"}'
    faces_line, refused_line = "maskwise_batch_faces_sum", 'maskwise_rejected_total{reason="photo_unreadable"}'
    before = [value(line) for line in (answered_line, faces_line, refused_line)]
    client.post("/v1/predict", files=form(photos[0], photos[1], photos[2][:4000]))
    after = [value(line) for line in (answered_line, faces_line, refused_line)]
    assert np.subtract(after, before).tolist() == [1, 2, 1]
    assert value("maskwise_queue_photos") == value("maskwise_held_body_bytes") == 0


def test_the_log_has_a_line_a_request_and_no_photo(service: Running, client: httpx.Client, photos: list[bytes]) -> None:
    service.log_lines()
    response = client.post("/v1/predict", files={"image": ("my-secret-name.jpg", photos[0])})
    request_id = response.json()["request_id"]
    lines = service.log_lines_until(lambda line: line.get("request_id") == request_id)
    client.get("/healthz")
    lines += service.log_lines_until(lambda line: line.get("route") == "/healthz")
    lines = [line for line in lines if line.get("request_id") == request_id]
    assert [(line["event"], line["route"], line["status"]) for line in lines] == [("request", "/v1/predict", 200)]
    assert "my-secret-name" not in str(lines)
    assert lines[0]["body_bytes"] > len(photos[0])
