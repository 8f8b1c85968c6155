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
MOST_PIXELS = 1 << 19
# cuDNN and cuBLAS choose algorithms and take workspace at the first ones.
_WARM_UPS = 3

# After one that failed, older torch's allocator holds that it still goes on.
_refused = False


def captured(evaluate: Evaluate, image: Tensor) -> Evaluate | None:
    """``evaluate`` as a CUDA graph for images like ``image``; None where that is large,
    on another device, or cannot be recorded.

    Args:
        evaluate: computes tensors of fixed shapes from an image, and looks at none of
            their values.
    """
    global _refused
    small = image.shape[-2] * image.shape[-1] <= MOST_PIXELS
    if _refused or image.device.type != "cuda" or not small:
        return None
    with torch.cuda.device(image.device):
        here = torch.cuda.current_stream()
        try:
            return _Graph(evaluate, image)
        except torch.OutOfMemoryError:
            return None
        except RuntimeError as error:
            _refused = True
            reason = str(error).partition("\n")[0]
            log.info("evaluations are not recorded as CUDA graphs: %s", reason)
            return None
        finally:
            # A recording that failed leaves older torch on a stream of its own.
            torch.cuda.set_stream(here)


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
        self.graph = torch.cuda.CUDAGraph()
        # On the stream whose workspaces are there.
        with torch.cuda.graph(self.graph, stream=beside):
            terms, gradient = evaluate(self.image.detach())
        # Without the graph of autograd, which has done its work.
        self.terms, self.gradient = terms.detach(), gradient.detach()

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        self.image.copy_(image)
        self.graph.replay()
        # The next replay writes where these are.
        return self.terms.clone(), self.gradient.clone()
