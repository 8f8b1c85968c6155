"""Record an evaluation as a CUDA graph and replay it without Python's overhead."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

TermsAndGradient = Callable[[Tensor], tuple[Tensor, Tensor]]

# Launching a few hundred kernels takes some milliseconds at any size. On a larger image
# the GPU works longer than that, and a recording holds memory of its own.
MAX_PIXELS = 1 << 19
# cuDNN and cuBLAS choose algorithms and allocate workspace in the first runs.
_WARMUP_RUNS = 3

# After a failed capture, older torch's allocator believes that it still goes on.
_capture_failed = False


def capture_graph(evaluate: TermsAndGradient, image: Tensor) -> TermsAndGradient | None:
    """Record ``evaluate`` as a CUDA graph for images of this one's shape and device.

    It must return tensors of fixed shapes, and read none of their values.

    Returns:
        None if the image is large, on another kind of device, or recording fails.
    """
    global _capture_failed
    is_small = image.shape[-2] * image.shape[-1] <= MAX_PIXELS
    if _capture_failed or image.device.type != "cuda" or not is_small:
        return None
    with torch.cuda.device(image.device):
        stream = torch.cuda.current_stream()
        try:
            return _CudaGraph(evaluate, image)
        except torch.OutOfMemoryError:
            return None
        except RuntimeError as error:
            _capture_failed = True
            reason = str(error).partition("\n")[0]
            log.info("evaluations are not recorded as CUDA graphs: %s", reason)
            return None
        finally:
            # A failed recording leaves older torch on the side stream.
            torch.cuda.set_stream(stream)


class _CudaGraph:
    """Recorded evaluation with fixed places for its image and its results."""

    def __init__(self, evaluate: TermsAndGradient, image: Tensor) -> None:
        self.image = image.detach().clone()
        side_stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side_stream):
            for _ in range(_WARMUP_RUNS):
                evaluate(self.image.detach())
        torch.cuda.current_stream().wait_stream(side_stream)
        self.graph = torch.cuda.CUDAGraph()
        # On the stream for which the workspaces were allocated.
        with torch.cuda.graph(self.graph, stream=side_stream):
            terms, gradient = evaluate(self.image.detach())
        # Detached, so that autograd's graph is freed.
        self.terms, self.gradient = terms.detach(), gradient.detach()

    def __call__(self, image: Tensor) -> tuple[Tensor, Tensor]:
        self.image.copy_(image)
        self.graph.replay()
        # The next replay overwrites these.
        return self.terms.clone(), self.gradient.clone()
