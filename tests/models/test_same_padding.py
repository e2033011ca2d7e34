"""TensorFlow's SAME padding against timm's, and that the face network does without timm."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from timm.layers import Conv2dSame

from maskwise.models.same_padding import SameConv2d


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("sides", [(8, 8), (9, 12), (7, 10)])
def test_maps_are_timms(size: int, stride: int, sides: tuple[int, int]) -> None:
    ours, theirs = SameConv2d(4, 4, size, stride, groups=2), Conv2dSame(4, 4, size, stride, groups=2)
    theirs.load_state_dict(ours.state_dict())
    images_NCHW = torch.rand(2, 4, *sides)
    assert torch.equal(ours(images_NCHW), theirs(images_NCHW))
    assert ours(images_NCHW).shape[-2:] == tuple(-(-side // stride) for side in sides)


def test_the_face_network_is_made_and_trained_without_timm() -> None:
    code = (
        "import sys\nfrom maskwise.models import config\nfrom maskwise.models.build import build_model\n"
        "from maskwise.labels import Task\nfrom maskwise.training.blocks import backbone_blocks\n"
        "from maskwise.training.depthwise import quicken_depthwise\n"
        "model = build_model(config.ModelConfig(backbone={'kind': 'faces'}, weights={'kind': 'none'}), Task())\n"
        "quicken_depthwise(model)\nbackbone_blocks(model.backbone)\n"
        "print(sorted({'timm', 'torchvision', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
