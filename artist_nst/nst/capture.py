"""An evaluation recorded once as a CUDA graph, and replayed without Python's delays."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]

# A few hundred kernels take some milliseconds to start, whatever the size; a GPU works
# longer than that on a larger image, and a recording holds memory of its own.
MOST_PIXELS = 1 << 20
# cuDNN and cuBLAS choose algorithms and take workspace at the first ones.
_WARM_UPS = 3


def captured(evaluate: Evaluate, image: Tensor) -> Evaluate:
    """``evaluate``, as a CUDA graph for images like ``image``; as it is where that is
    large, on another device, or refuses to be recorded.

    Args:
        evaluate: computes tensors of fixed shapes from an image, and looks at none of
            their values.
    """
    if image.device.type != "cuda" or image.shape[-2] * image.shape[-1] > MOST_PIXELS:
        return evaluate
    try:
        return _Graph(evaluate, image)
    except RuntimeError as error:
        log.debug("not recorded as a CUDA graph: %s", str(error).splitlines()[0])
        return evaluate


class _Graph:
    """Reads its image from one place, and leaves its results at others."""

    def __init__(self, evaluate: Evaluate, image: Tensor) -> None:
        self.image = image.detach().clone()
        beside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UPS):
                evaluate(self.image.detach())
        torch.cuda.current_stream().wait_stream(beside)
        torch.cuda.empty_cache()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.terms, self.gradient = evaluate(self.image.detach())

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        self.image.copy_(image)
        self.graph.replay()
        # The next replay writes where these are.
        return self.terms.clone(), self.gradient.clone()
