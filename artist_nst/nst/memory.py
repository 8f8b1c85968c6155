"""How much memory a painting takes, and how to compute it in less."""

from collections.abc import Iterator
from dataclasses import dataclass

from artist_nst.errors import ArtistNstError
from artist_nst.nst.precision import Precision
from artist_nst.nst.vgg import VGG, Part
from artist_nst.recipes.recipe import Recipe

# Strips lower than this spend more on their edges than on themselves.
LEAST_ROWS = 16
LEAST_HISTORY = 3
# Numbers in one tensor, beyond which kernels count wrongly or refuse (Apple's).
MOST_NUMBERS = 1 << 30

# Of the image and what the losses make of it on the way, in float32 each.
_IMAGES = 9
# Of scipy's L-BFGS-B beside its corrections: x, gradient, bounds and their copies,
# workspace, in float64 each. Measured.
_HOST_VECTORS = 17
# Of tensors, for what lies idle between them, and what libraries take for themselves.
_LOOSE = 1.35
_AROUND = 250 << 20
# Of the device's, beside its corrections, in float32.
_DEVICE_VECTORS = 10


@dataclass(frozen=True, slots=True)
class Fit:
    """How one level is computed so that it fits into memory.

    Attributes:
        rows: of the strips; None where the image is computed as a whole.
        history: L-BFGS's corrections.
        device, host: bytes that the network takes, and the minimizer on the host.
    """

    rows: int | None
    history: int
    device: int
    host: int


class Budget:
    """What levels of a painting take.

    Args:
        recipe: with the optimizer that ``auto`` comes to.
        channels: of the image, 3 or 1.
    """

    def __init__(
        self,
        network: VGG,
        recipe: Recipe,
        precision: Precision,
        channels: int = 3,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.bytes = 2 if precision == "bfloat16" else network.mean.itemsize
        self.channels = channels
        used = (*recipe.content_layers, *recipe.style_layers)
        self.parts = network.parts(layer for layer, weight in used if weight > 0)

    def fit(self, height: int, width: int, device_room: int, host_room: int) -> Fit:
        """The fastest way to compute a level that takes no more than there is room.

        But for CUDA's devices, device and host are one room.

        Raises:
            ArtistNstError: there is none.
        """
        shared = self.network.mean.device.type != "cuda"
        needs, room = 0, device_room
        for fit in self.fits(height, width):
            needs, room = fit.device, device_room
            if shared:
                needs += fit.host
            elif fit.host > host_room:
                needs, room = fit.host, host_room
            if needs <= room:
                return fit
        raise ArtistNstError(
            f"{width}×{height} pixels take at least {needs / 1e9:.3g} GB, and "
            f"{room / 1e9:.3g} GB are left for them: choose a smaller --width, raise "
            "--max-memory if it is given, or close something else"
        )

    def fits(self, height: int, width: int) -> Iterator[Fit]:
        """All ways to compute a level, from the most memory to the least."""
        most = self.recipe.history
        powers = range(max(0, height - 1).bit_length() - 1, -1, -1)
        rows = [None, *(1 << one for one in powers if 1 << one >= LEAST_ROWS)]
        ways = [(some, most) for some in rows]
        # A shorter history paints another picture: after all else.
        ways += [(rows[-1], m) for m in range(most - 1, LEAST_HISTORY - 1, -1)]
        least = None
        filters = max(
            (max(self._filters(one).values()) for one in self.parts[:1]), default=0
        )
        for some, history in ways:
            if filters * (some or height) * width >= MOST_NUMBERS and some != rows[-1]:
                continue
            vectors, host = self._minimizer(height, width, history)
            device = vectors + self._evaluation(height, width, some)
            # Few strips spare nothing: what they forget is small beside the first
            # part, which is computed last.
            if least is None or device + host < least:
                least = device + host
                yield Fit(some, history, device, host)

    def _minimizer(self, height: int, width: int, history: int) -> tuple[int, int]:
        """Bytes on the device, and on the host."""
        numbers = self.channels * height * width
        if self.recipe.optimizer == "adam":
            return 6 * 4 * numbers, 0
        if self.recipe.optimizer == "lbfgs-device":
            return (2 * history + _DEVICE_VECTORS) * 4 * numbers, 0
        return 0, (2 * history + _HOST_VECTORS) * 8 * numbers

    def _evaluation(self, height: int, width: int, rows: int | None) -> int:
        """Bytes that losses and gradient take, their targets included."""
        needs = _IMAGES * 4 * self.channels * height * width
        held, peak = 0, 0
        sides = height, width
        for part in self.parts:
            filters = self._filters(part)
            positions = sides[0] * sides[1]
            needs += sum(
                5 * 4 * filters[layer] * positions
                for layer, weight in self.recipe.content_layers
                if layer in filters and weight > 0
            )
            passed = max(filters.values()) * positions // 4 * self.bytes
            if rows is None:
                held += self._part(part, positions)
                working = 0
            else:
                seen = min(sides[0], rows + 2 * len(part.layers)) * sides[1]
                # What goes in, and its gradient.
                held += passed
                working = self._part(part, seen) + passed
            seen = positions if rows is None else seen
            peak = max(peak, held + working + self._gradients(part, seen))
            sides = sides[0] // 2, sides[1] // 2
        return round(_LOOSE * (needs + peak)) + _AROUND

    def _part(self, part: Part, positions: int) -> int:
        """What is kept of a part until its gradient is computed."""
        filters = self._filters(part)
        kept = sum(filters.values()) * positions * self.bytes
        if part.pooled:
            # Max pooling notes where its maxima were in eight bytes each.
            noted = 8 if self.network.pool == "max" else 0
            kept += max(filters.values()) * (positions // 4) * (self.bytes + noted)
        return kept

    def _gradients(self, part: Part, positions: int) -> int:
        return 4 * max(self._filters(part).values()) * positions * self.bytes

    def _filters(self, part: Part) -> dict[str, int]:
        return {
            layer: len(self.network.get_buffer(f"{layer}_bias"))
            for layer in part.layers
        }


def gigabytes(count: int) -> str:
    """``1.4 GB``, as ``--max-memory`` takes it."""
    return f"{count / 1e9:.2g} GB" if count < 1e10 else f"{count / 1e9:.0f} GB"
