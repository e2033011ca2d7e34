"""The same bundle in the shapes that serving engines expect: files by name, nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal, assert_never

import yaml

import maskwise
from maskwise.export.bundle_files import CHECKSUMS, checksum_lines
from maskwise.export.hub import README
from maskwise.export.manifest import Manifest

BundleLayout = Literal["bundle", "hub", "triton", "mlflow"]
_MOST_PHOTOS = 64
_DELAY_US = 2000


def arranged(bundle: dict[str, bytes], manifest: Manifest, layout: BundleLayout, readme: str) -> dict[str, bytes]:
    """The files of ``bundle`` in ``layout``, with checksums of all of them at the top; ``readme`` is for the hub."""
    match layout:
        case "bundle":
            return bundle
        case "hub":
            found = {**{name: data for name, data in bundle.items() if name != CHECKSUMS}, README: readme.encode()}
        case "triton":
            found = _triton(bundle, manifest)
        case "mlflow":
            found = _mlflow(bundle)
        case _:
            assert_never(layout)
    return {**found, CHECKSUMS: checksum_lines(found).encode()}


def _triton(bundle: dict[str, bytes], manifest: Manifest) -> dict[str, bytes]:
    """A model repository: the whole bundle behind Triton's Python backend, and every network by itself."""
    found = {f"maskwise/1/bundle/{name}": data for name, data in bundle.items()}
    found["maskwise/1/model.py"] = files("maskwise.export").joinpath("triton_model.py").read_bytes()
    found["maskwise/config.pbtxt"] = _bundle_config(manifest).encode()
    for part in manifest.parts:
        shown = manifest.inputs[part.input]
        size = 1
        for attribute in part.attributes:
            size *= len(manifest.task.classes(attribute))
        for network in part.networks:
            for name in network.values():
                model = "network_" + name.removeprefix("networks/").removesuffix(".onnx").replace(".", "_")
                outputs = [("probs", [size]), *([("age", [])] if part.tells_age else [])]
                config = _network_config(model, [shown.height_px, shown.width_px, 3], outputs)
                found[f"{model}/1/model.onnx"], found[f"{model}/config.pbtxt"] = bundle[name], config.encode()
    return found


def _bundle_config(manifest: Manifest) -> str:
    return (
        'name: "maskwise"\nbackend: "python"\n'
        f"max_batch_size: {_MOST_PHOTOS}\n"
        'input [{ name: "image" data_type: TYPE_STRING dims: [ 1 ] }]\n'
        'output [\n  { name: "class" data_type: TYPE_INT32 dims: [ 1 ] },\n'
        f'  {{ name: "probs" data_type: TYPE_FP32 dims: [ {manifest.task.n_classes} ] }},\n'
        '  { name: "age_years" data_type: TYPE_FP32 dims: [ 1 ] }\n]\n'
        f"dynamic_batching {{ max_queue_delay_microseconds: {_DELAY_US} }}\n"
        "instance_group [{ kind: KIND_CPU count: 1 }]\n"
    )


def _network_config(model: str, shape_HWC: list[int], outputs: list[tuple[str, list[int]]]) -> str:
    listed = ",\n".join(
        f'  {{ name: "{name}" data_type: TYPE_FP32 dims: [ {", ".join(map(str, dims)) or 1} ]'
        + ("" if dims else " reshape: { shape: [ ] }")
        + " }"
        for name, dims in outputs
    )
    return (
        f'name: "{model}"\nbackend: "onnxruntime"\nmax_batch_size: {_MOST_PHOTOS}\n'
        f'input [{{ name: "pixels" data_type: TYPE_UINT8 dims: [ {", ".join(map(str, shape_HWC))} ] }}]\n'
        f"output [\n{listed}\n]\ndynamic_batching {{ max_queue_delay_microseconds: {_DELAY_US} }}\n"
    )


def _mlflow(bundle: dict[str, bytes]) -> dict[str, bytes]:
    """An MLflow model of the flavor ``python_function``."""
    requirements = f"maskwise=={maskwise.__version__}\n"
    about = {
        "flavors": {
            "python_function": {
                "loader_module": "maskwise.export.mlflow_model",
                "data": "bundle",
                "env": {"virtualenv": "python_env.yaml"},
            }
        },
        "signature": {
            "inputs": '[{"type": "binary", "name": "image", "required": true}]',
            "outputs": None,
            "params": None,
        },
    }
    environment = {"python": "3.11", "dependencies": ["-r requirements.txt"]}
    return {
        **{f"bundle/{name}": data for name, data in bundle.items()},
        "MLmodel": yaml.safe_dump(about, sort_keys=False).encode(),
        "requirements.txt": requirements.encode(),
        "python_env.yaml": yaml.safe_dump(environment).encode(),
    }
