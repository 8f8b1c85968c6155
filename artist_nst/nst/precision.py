"""Choice of the convolutions' precision."""

import platform
from functools import cache
from pathlib import Path
from typing import get_args

import torch

from artist_nst._types import Precision, PrecisionName
from artist_nst.errors import UsageError, suggest

# None: the network's own dtype.
DTYPES: dict[Precision, torch.dtype | None] = {
    "float32": None,
    "bfloat16": torch.bfloat16,
}


def choose_precision(name: PrecisionName, device: torch.device) -> Precision:
    """Choose a precision by name; ``auto`` takes the faster one on ``device``.

    Raises:
        UsageError: No precision has that name.
    """
    if name == "auto":
        return "bfloat16" if prefers_bfloat16(device.type) else "float32"
    if name not in DTYPES:
        choices = get_args(PrecisionName)
        raise UsageError(f"--precision can't be {name!r}: {suggest(name, choices)}")
    return name


@cache
def supports_bfloat16(device: str) -> bool:
    """Return whether a device type can convolve in bfloat16.

    CUDA where the GPU computes in it natively; a CPU where oneDNN does; never Apple's
    GPUs, where it is untested.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has_mkldnn: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    # Without oneDNN (Apple's wheels) the operator below does not exist.
    return (
        device == "cpu"
        and has_mkldnn
        and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    )


@cache
def prefers_bfloat16(device: str) -> bool:
    """Return whether bfloat16 convolutions are worth their rounding on a device type.

    On GPUs that compute in it; on CPUs by what the processor is, so that the choice is
    the same on a busy machine: with AMX, and on AMD's with AVX-512 BF16 (twice as fast
    on Zen 4). Intel's with AVX-512 BF16 but without AMX are slower in it than in
    float32.
    """
    if device != "cpu" or not supports_bfloat16(device):
        return supports_bfloat16(device)
    vendor, instructions = _identify_processor()
    return has_amx() or ("AMD" in vendor and "avx512_bf16" in instructions)


@cache
def has_amx() -> bool:
    """Return whether the CPU multiplies bfloat16 matrices by AMX."""
    _, instructions = _identify_processor()
    return "amx_bf16" in instructions


def _identify_processor() -> tuple[str, set[str]]:
    """Return the processor's vendor, and its instruction sets as Linux names them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    instructions = set(facts.get("flags", "").split())
    # Elsewhere torch knows, by functions that its older versions lack.
    for name, function in (
        ("amx_bf16", "_is_amx_tile_supported"),
        ("avx512_bf16", "_is_avx512_bf16_supported"),
    ):
        if not lines and getattr(torch.cpu, function, lambda: False)():
            instructions.add(name)
    return facts.get("vendor_id") or platform.processor(), instructions
