"""Files of weights: read, or refused in one line."""

import hashlib
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.nst.weights import checkpoint
from artist_nst.nst.weights.checkpoint import (
    TORCHVISION_FILES,
    check_readable,
    load_weights,
)
from artist_nst.recipes.layers import VGG_WIDTHS, layer_names
from tests.nst.weights.conftest import (
    StateDict,
    make_state_dict,
    one_line,
    pretend_published,
)

# The networks ------------------------------------------------------------------------


def test_layouts_are_torchvisions() -> None:
    from torchvision.models import get_model_weights, vgg16
    from torchvision.models.vgg import cfgs

    letters = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
    for network, blocks in VGG_WIDTHS.items():
        layout = [part for widths in blocks for part in (*widths, "M")]
        assert layout == cfgs[letters[network]]
        published = get_model_weights(network)["IMAGENET1K_V1"]
        assert published.url.rsplit("/", 1)[1] == TORCHVISION_FILES[network]
    with torch.device("meta"):
        expected = vgg16().features.state_dict()
    shapes = {name: one.shape for name, one in make_state_dict("vgg16", "").items()}
    assert shapes == {name: tensor.shape for name, tensor in expected.items()}


def test_layer_names() -> None:
    names = layer_names("vgg19")
    assert names[:3] == ("conv1_1", "conv1_2", "conv2_1")
    assert (names[-1], len(names)) == ("conv5_4", 16)
    assert layer_names("vgg11")[-1] == "conv5_2"
    assert layer_names("compact") == names[:13]
    assert layer_names("vgg19-normalised") == names


# Good files --------------------------------------------------------------------------


def test_safetensors(vgg11_safetensors: Path, vgg11: StateDict) -> None:
    weights = load_weights(vgg11_safetensors, "vgg11")
    assert (weights.network, weights.input) == ("vgg11", "oxford")
    assert weights.source == str(vgg11_safetensors)
    assert weights.sha256 == hashlib.sha256(vgg11_safetensors.read_bytes()).hexdigest()
    assert tuple(weights.kernels) == layer_names("vgg11")
    weight, bias = weights.kernels["conv3_2"]
    assert weight.shape == (256, 256, 3, 3)
    assert weight.dtype == bias.dtype == torch.float32
    assert torch.equal(weight, vgg11["features.8.weight"].float())
    assert torch.equal(bias, vgg11["features.8.bias"].float())


@pytest.mark.parametrize("form", ["whole", "bare", "nested", "old format"])
def test_pth(form: str, vgg11: StateDict, tmp_path: Path) -> None:
    """The old format is that of torchvision's own VGG files."""
    whole = {**vgg11, "classifier.0.weight": torch.zeros(7, 5), "x": torch.tensor(1)}
    content: dict[str, Any] = {
        "whole": whole,
        "bare": {name.removeprefix("features."): one for name, one in vgg11.items()},
        "nested": {"state_dict": whole, "epoch": 3},
        "old format": vgg11,
    }[form]
    path = tmp_path / "weights.pth"
    torch.save(content, path, _use_new_zipfile_serialization=form != "old format")
    weights = load_weights(path, "vgg11", input="torchvision")
    assert weights.input == "torchvision"
    assert tuple(weights.kernels) == layer_names("vgg11")
    assert weights.kernels["conv1_1"][0][0, 0, 0, 0] == 1 / 64


def test_content_not_suffix_tells_the_format(
    vgg11_safetensors: Path, vgg11_pth: Path, tmp_path: Path
) -> None:
    for suffix, file in (".pth", vgg11_safetensors), (".safetensors", vgg11_pth):
        path = tmp_path / f"weights{suffix}"
        path.symlink_to(file)
        assert load_weights(path, "vgg11", input="oxford").input == "oxford"


def test_a_header_size_that_looks_like_another_format(
    vgg11_safetensors: Path, tmp_path: Path
) -> None:
    content = vgg11_safetensors.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + size], content[8 + size :]
    path = tmp_path / "weights.safetensors"
    for start in (b"\x80", b"PK"):  # a pickle's, a zip's
        padded = int.from_bytes(start, "little")
        while padded < size:
            padded += 1 << 8 * len(start)
        size_bytes = padded.to_bytes(8, "little")
        assert size_bytes.startswith(start)
        path.write_bytes(size_bytes + header.ljust(padded) + data)
        assert load_weights(path, "vgg11").input == "oxford"


def test_precisions_become_float32(vgg11: StateDict, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    for dtype in (torch.bfloat16, torch.float32):
        tensors = {name: tensor.to(dtype) for name, tensor in vgg11.items()}
        save_file(tensors, path, metadata={"input": "rgb-01-mean-std"})
        weights = load_weights(path, "vgg11")
        assert weights.input == "torchvision"
        assert weights.kernels["conv5_2"][0].dtype == torch.float32


def test_tensors_do_not_depend_on_the_file(vgg11: StateDict, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({name: tensor.float() for name, tensor in vgg11.items()}, path)
    weights = load_weights(path, "vgg11", input="oxford")
    path.write_bytes(bytes(path.stat().st_size))
    assert weights.kernels["conv2_1"][0].min() == 4 / 64


def test_the_last_layers_may_be_missing(vgg11: StateDict, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in vgg11.items() if "features.18" not in k}, path)
    weights = load_weights(path, "vgg11", input="oxford")
    assert tuple(weights.kernels) == layer_names("vgg11")[:-1]


@pytest.mark.shared
def test_the_real_file(shared: Path) -> None:
    path = shared / "weights" / "vgg19-oxford.safetensors"
    weights = load_weights(path)
    assert weights.input == "oxford"
    assert tuple(weights.kernels) == layer_names("vgg19")
    with pytest.raises(ArtistNstError, match="VGG-19's weights, not VGG-16's") as error:
        load_weights(path, "vgg16")
    assert "--network vgg19" in one_line(error)


# The input convention ----------------------------------------------------------------


def test_an_unknown_input_must_be_given(
    vgg11: StateDict, vgg11_pth: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UsageError, match="--weights-input") as error:
        load_weights(vgg11_pth, "vgg11")
    assert str(vgg11_pth) in one_line(error)
    path = tmp_path / "weights.safetensors"
    save_file(vgg11, path, metadata={"input": "hsv"})
    with pytest.raises(UsageError, match=r"'hsv'.*--weights-input"):
        load_weights(path, "vgg11")
    assert load_weights(path, "vgg11", input="oxford").input == "oxford"
    assert "'hsv'" in caplog.text
    unknown: Any = "caffe"
    with pytest.raises(UsageError, match=r"'caffe'.*torchvision, oxford"):
        load_weights(path, "vgg11", input=unknown)


def test_the_requested_input_wins_with_a_warning(
    vgg11_safetensors: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_weights(vgg11_safetensors, "vgg11", input="oxford").input == "oxford"
    assert not caplog.records
    weights = load_weights(vgg11_safetensors, "vgg11", input="torchvision")
    assert weights.input == "torchvision"
    assert "oxford; torchvision is used" in caplog.text


def test_known_hashes_tell_the_input(
    vgg11_pth: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = pretend_published(vgg11_pth, monkeypatch)
    assert load_weights(vgg11_pth, "vgg11").input == "torchvision"
    assert load_weights(vgg11_pth, "vgg11", input="oxford").input == "oxford"
    assert "torchvision" in caplog.text
    monkeypatch.setitem(TORCHVISION_FILES, "vgg11", "vgg11-00000000.pth")
    monkeypatch.setattr(checkpoint, "_OXFORD_HASHES", (name[6:14],))
    assert load_weights(vgg11_pth, "vgg11").input == "oxford"


# Hostile and damaged files -----------------------------------------------------------


class Evil:
    """Unpickled, it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_code_is_refused(vgg11: StateDict, tmp_path: Path) -> None:
    path, folder = tmp_path / "evil.pth", tmp_path / "made"
    content = {"features.0.bias": vgg11["features.0.bias"], "x": Evil(folder)}
    for is_zip in (True, False):
        torch.save(content, path, _use_new_zipfile_serialization=is_zip)
        with pytest.raises(ArtistNstError, match="refused: it holds code") as error:
            load_weights(path, "vgg11", input="oxford")
        assert str(path) in one_line(error)
    for protocol in (0, 2, 4):
        path.write_bytes(pickle.dumps({"x": Evil(folder)}, protocol=protocol))
        with pytest.raises(ArtistNstError, match=r"refused|neither") as error:
            load_weights(path, "vgg11", input="oxford")
        assert str(path) in one_line(error)
    torch.save(torch.nn.Conv2d(3, 4, 3), path)
    with pytest.raises(ArtistNstError, match="refused: it holds code") as error:
        load_weights(path)
    one_line(error)
    assert not folder.exists()


def saved(content: object, *, is_zip: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=is_zip)
    return buffer.getvalue()


SMALL = {"features.0.bias": torch.zeros(5000)}
BAD_BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "one byte": (b"\x80", "cut short or damaged"),
    "text": (b"version https://example.org/spec\noid 1234\n" * 9, "neither"),
    "page": (b"<!doctype html><title>404</title>" * 20, "neither"),
    "braces": (b"01234567{", "cut short or damaged"),
    "no zip end": (saved(SMALL)[:9000], "cut short or damaged"),
    "zip head": (b"PK\x03\x04" + bytes(100), "cut short or damaged"),
    "old, cut": (saved(SMALL, is_zip=False)[:-99], "cut short or damaged"),
    "list": (saved([torch.zeros(2)]), "no state dict"),
    "tensor": (saved(torch.zeros(2)), "no state dict"),
    "nothing": (saved({}), r"conv1_1 is missing \(no 0.weight\)"),
    "numbers": (saved({"features.0.weight": 3, 4: 5}), "conv1_1 is missing"),
}


def test_bad_bytes(vgg11_safetensors: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    content = vgg11_safetensors.read_bytes()
    cut = [(content[:n], "cut short|neither") for n in (4, 9, 200, 100_000, -1)]
    for damaged, problem in [*BAD_BYTES.values(), *cut]:
        path.write_bytes(damaged)
        with pytest.raises(ArtistNstError, match=problem) as error:
            load_weights(path, "vgg11")
        assert str(path) in one_line(error)


def test_a_zip_that_unpacks_to_more_is_refused(tmp_path: Path) -> None:
    whole, path = zipfile.ZipFile(io.BytesIO(saved(SMALL))), tmp_path / "bomb.pth"
    names = whole.namelist()
    pickled = next(name for name in names if name.endswith("data.pkl"))
    for name, size in (("archive/data/0", 1 << 30), (pickled, 32 << 20)):
        method = zipfile.ZIP_STORED if name == pickled else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as bomb:
            for other in {*names} - {name}:
                bomb.writestr(other, whole.read(other))
            with bomb.open(name, "w", force_zip64=True) as entry:
                for _ in range(size >> 20):
                    entry.write(bytes(1 << 20))
        with pytest.raises(ArtistNstError, match="does not write such") as error:
            load_weights(path, "vgg11")
        assert str(path) in one_line(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, problem in (
        (tmp_path / "x.pth", "no such file"),
        (tmp_path, "folder"),
        (tmp_path / "pipe", "pipe"),
    ):
        for read in (load_weights, check_readable):
            with pytest.raises(ArtistNstError, match=problem) as error:
                read(path)
            assert str(path) in one_line(error)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("features.8.weight", None, r"conv3_2 is missing \(no features.8.weight\)"),
        ("features.16.bias", None, r"conv5_1 is missing \(no features.16.bias\)"),
        ("features.18.bias", None, r"conv5_2 is missing \(no features.18.bias\)"),
        (
            "features.8.weight",
            torch.zeros(256, 128, 3, 3),
            r"features.8.weight has shape \(256, 128, 3, 3\), expected \(256, 256",
        ),
        ("features.8.bias", torch.zeros(9), r"features.8.bias has shape \(9,\)"),
        ("features.3.bias", torch.full((128,), torch.nan), "features.3.bias .*finite"),
        ("features.3.bias", torch.full((128,), -torch.inf), "features.3.bias .*finite"),
        ("features.3.bias", torch.zeros(128, dtype=torch.int8), "3.bias is torch.int8"),
    ],
)
def test_wrong_tensors(
    name: str, value: Tensor | None, problem: str, vgg11: StateDict, tmp_path: Path
) -> None:
    tensors = {key: tensor for key, tensor in vgg11.items() if key != name}
    if value is not None:
        tensors[name] = value
    torch.save(tensors, tmp_path / "weights.pth")
    save_file(tensors, tmp_path / "weights.safetensors", metadata={"input": "oxford"})
    for path in tmp_path.glob("weights.*"):
        with pytest.raises(ArtistNstError, match=problem) as error:
            load_weights(path, "vgg11", input="oxford")
        assert str(path) in one_line(error)


def test_unreadable_tensors(vgg11: StateDict, tmp_path: Path) -> None:
    # A dtype that torch does not have.
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in vgg11.items():
        start, end = end, end + tensor.numel() // 2
        shape = list(tensor.shape)
        header[name] = {"dtype": "F4", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    file = tmp_path / "weights.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    sparse = tmp_path / "weights.pth"
    torch.save({**vgg11, "features.3.bias": torch.zeros(128).to_sparse()}, sparse)
    for path in (file, sparse):
        with pytest.raises(ArtistNstError, match=r"damaged|floats|refused") as error:
            load_weights(path, "vgg11", input="oxford")
        assert str(path) in one_line(error)


def test_another_networks_file(vgg11_safetensors: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtistNstError, match="VGG-11's weights, not VGG-19's") as error:
        load_weights(vgg11_safetensors)
    assert "--network vgg11" in one_line(error)
    # A gap after conv5_1.
    state_dict = make_state_dict("vgg16")
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in state_dict.items() if "features.26." not in k}, path)
    with pytest.raises(ArtistNstError, match="conv5_2 is missing"):
        load_weights(path, "vgg16", input="oxford")
