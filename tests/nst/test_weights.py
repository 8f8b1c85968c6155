"""Weights: read, refused, found in order, downloaded from a server on loopback."""

import hashlib
import io
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.nst import weights
from artist_nst.nst.weights import (
    FILE_NAMES,
    WIDTHS,
    Network,
    OtherNetworkError,
    WeightsUnavailableError,
    download_size,
    download_weights,
    find_weights,
    layer_names,
    load_weights,
    locate_weights,
)

StateDict = dict[str, Tensor]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for torch, no weights in the environment, no proxy."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("ARTIST_NST_WEIGHTS", raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "torch" / "hub" / "checkpoints"


def state_dict(network: Network, prefix: str = "features.") -> StateDict:
    """Cheap float16 tensors, each filled with its own number."""
    tensors: StateDict = {}
    index, inputs = 0, 3
    for widths in WIDTHS[network]:
        for width in widths:
            shape = (width, inputs, 3, 3)
            number = (index + 1) / 64
            half = torch.float16
            tensors[f"{prefix}{index}.weight"] = torch.full(shape, number, dtype=half)
            tensors[f"{prefix}{index}.bias"] = torch.full((width,), -number, dtype=half)
            index, inputs = index + 2, width
        index += 1
    return tensors


@pytest.fixture(scope="module")
def vgg11() -> StateDict:
    return state_dict("vgg11")


@pytest.fixture(scope="module")
def vgg11_safetensors(
    vgg11: StateDict, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg11.safetensors"
    save_file(vgg11, path, metadata={"input": "bgr-255-minus-mean"})
    return path


@pytest.fixture(scope="module")
def vgg11_pth(vgg11: StateDict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg11.pth"
    torch.save(vgg11, path)
    return path


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


# What is known of the networks ---------------------------------------------------


@pytest.mark.parametrize(
    ("network", "letter"),
    [("vgg11", "A"), ("vgg13", "B"), ("vgg16", "D"), ("vgg19", "E")],
)
def test_widths_are_torchvisions(network: Network, letter: str) -> None:
    from torchvision.models.vgg import cfgs

    ours = [part for widths in WIDTHS[network] for part in (*widths, "M")]
    assert ours == cfgs[letter]


def test_layout_is_torchvisions() -> None:
    from torchvision.models import vgg16

    with torch.device("meta"):
        theirs = vgg16().features.state_dict()
    ours = {name: tensor.shape for name, tensor in state_dict("vgg16", "").items()}
    assert ours == {name: tensor.shape for name, tensor in theirs.items()}


@pytest.mark.parametrize("network", list(WIDTHS))
def test_file_names_are_torchvisions(network: Network) -> None:
    from torchvision.models import get_model_weights

    published = get_model_weights(network)["IMAGENET1K_V1"]
    assert published.url.rsplit("/", 1)[1] == FILE_NAMES[network]


def test_download_size_is_that_of_its_parameters() -> None:
    # 143 667 240 float32 parameters and a few kilobytes of names.
    assert download_size("vgg19") == pytest.approx(143_667_240 * 4, abs=50_000)


def test_layer_names() -> None:
    names = layer_names("vgg19")
    assert names[:3] == ("conv1_1", "conv1_2", "conv2_1")
    assert names[-1] == "conv5_4"
    assert len(names) == 16
    assert layer_names("vgg11")[-1] == "conv5_2"


def test_the_normalised_network_is_vgg19() -> None:
    assert layer_names("vgg19-normalised") == layer_names("vgg19")
    assert download_size("vgg19-normalised") == download_size("vgg19")


def test_unknown_network_is_named() -> None:
    unknown: Any = "vgg18"
    for ask in (layer_names, locate_weights, find_weights, download_size):
        with pytest.raises(UsageError, match="'vgg18': did you mean"):
            ask(unknown)


def test_a_look_into_the_cache_does_not_import_torchvision() -> None:
    code = (
        "import sys; from artist_nst.nst.weights import locate_weights;"
        "assert locate_weights() is None; assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))


# Files that are well -------------------------------------------------------------


def test_safetensors(vgg11_safetensors: Path, vgg11: StateDict) -> None:
    loaded = load_weights(vgg11_safetensors, "vgg11")
    assert loaded.network == "vgg11"
    assert loaded.input == "oxford"
    assert loaded.source == str(vgg11_safetensors)
    content = vgg11_safetensors.read_bytes()
    assert loaded.sha256 == hashlib.sha256(content).hexdigest()
    assert tuple(loaded.kernels) == layer_names("vgg11")
    weight, bias = loaded.kernels["conv3_2"]
    assert weight.shape == (256, 256, 3, 3)
    assert weight.dtype == bias.dtype == torch.float32
    assert torch.equal(weight, vgg11["features.8.weight"].float())
    assert torch.equal(bias, vgg11["features.8.bias"].float())


def whole(tensors: StateDict) -> dict[str, Any]:
    return {
        **tensors,
        "classifier.0.weight": torch.zeros(7, 5),
        "step": torch.tensor(1),
    }


def bare(tensors: StateDict) -> dict[str, Any]:
    return {name.removeprefix("features."): value for name, value in tensors.items()}


def nested(tensors: StateDict) -> dict[str, Any]:
    return {"state_dict": whole(tensors), "epoch": 3}


@pytest.mark.parametrize("form", [whole, bare, nested])
def test_pth_forms(
    form: Callable[[StateDict], dict[str, Any]], vgg11: StateDict, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(form(vgg11), path)
    loaded = load_weights(path, "vgg11", input="torchvision")
    assert loaded.input == "torchvision"
    assert tuple(loaded.kernels) == layer_names("vgg11")
    assert loaded.kernels["conv1_1"][0][0, 0, 0, 0] == 1 / 64


def test_pth_of_before_the_zip_format(vgg11: StateDict, tmp_path: Path) -> None:
    """torchvision's own VGG files are this old."""
    path = tmp_path / "old.pth"
    torch.save(vgg11, path, _use_new_zipfile_serialization=False)
    assert len(load_weights(path, "vgg11", input="oxford").kernels) == 8


def test_content_not_suffix_tells_the_format(
    vgg11_safetensors: Path, vgg11_pth: Path, tmp_path: Path
) -> None:
    misnamed = tmp_path / "weights.pth"
    misnamed.symlink_to(vgg11_safetensors)
    assert load_weights(misnamed, "vgg11").input == "oxford"
    misnamed = tmp_path / "weights.safetensors"
    misnamed.symlink_to(vgg11_pth)
    assert load_weights(misnamed, "vgg11", input="oxford").input == "oxford"


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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_precisions_become_float32(
    dtype: torch.dtype, vgg11: StateDict, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    tensors = {name: tensor.to(dtype) for name, tensor in vgg11.items()}
    save_file(tensors, path, metadata={"input": "rgb-01-mean-std"})
    loaded = load_weights(path, "vgg11")
    assert loaded.input == "torchvision"
    assert loaded.kernels["conv5_2"][0].dtype == torch.float32


def test_tensors_do_not_hang_on_the_file(vgg11: StateDict, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({name: tensor.float() for name, tensor in vgg11.items()}, path)
    loaded = load_weights(path, "vgg11", input="oxford")
    path.write_bytes(bytes(path.stat().st_size))
    assert loaded.kernels["conv2_1"][0].min() == 4 / 64


def test_layers_after_conv5_1_may_be_missing_at_the_end(
    vgg11: StateDict, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in vgg11.items() if "features.18" not in k}, path)
    loaded = load_weights(path, "vgg11", input="oxford")
    assert tuple(loaded.kernels) == layer_names("vgg11")[:-1]


@pytest.mark.shared
def test_the_real_file(shared: Path) -> None:
    loaded = load_weights(shared / "weights" / "vgg19-oxford.safetensors")
    assert loaded.input == "oxford"
    assert tuple(loaded.kernels) == layer_names("vgg19")
    assert len(loaded.kernels) == 16
    for weight, bias in loaded.kernels.values():
        assert weight.dtype == bias.dtype == torch.float32
        assert weight.shape[0] == bias.shape[0]


@pytest.mark.shared
def test_the_real_file_is_not_vgg16s(shared: Path) -> None:
    path = shared / "weights" / "vgg19-oxford.safetensors"
    with pytest.raises(ArtistNstError, match="VGG-19's weights, not VGG-16's") as error:
        load_weights(path, "vgg16")
    assert "--network vgg19" in one_line(error)


# Which input it wants ------------------------------------------------------------


def test_unknown_input_must_be_given(vgg11_pth: Path) -> None:
    with pytest.raises(UsageError, match="--weights-input") as error:
        load_weights(vgg11_pth, "vgg11")
    assert str(vgg11_pth) in one_line(error)


def test_unknown_input_in_metadata(
    vgg11: StateDict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(vgg11, path, metadata={"input": "hsv"})
    with pytest.raises(UsageError, match="'hsv': give --weights-input"):
        load_weights(path, "vgg11")
    assert load_weights(path, "vgg11", input="oxford").input == "oxford"
    assert "'hsv'" in caplog.text


def test_what_is_asked_for_wins_with_a_warning(
    vgg11_safetensors: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_weights(vgg11_safetensors, "vgg11", input="oxford").input == "oxford"
    assert not caplog.records
    loaded = load_weights(vgg11_safetensors, "vgg11", input="torchvision")
    assert loaded.input == "torchvision"
    assert "said to be oxford; torchvision is used" in caplog.text


def test_unknown_input_argument(vgg11_safetensors: Path) -> None:
    unknown: Any = "caffe"
    with pytest.raises(UsageError, match="'caffe': choose from torchvision, oxford"):
        load_weights(vgg11_safetensors, "vgg11", input=unknown)


def pretend_torchvisions(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the file's hash be the one that torchvision publishes for VGG-11."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = f"vgg11-{digest[:8]}.pth"
    monkeypatch.setitem(weights.FILE_NAMES, "vgg11", name)
    return name


def test_known_hashes_tell_the_input(
    vgg11_pth: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = pretend_torchvisions(vgg11_pth, monkeypatch)
    assert load_weights(vgg11_pth, "vgg11").input == "torchvision"
    assert load_weights(vgg11_pth, "vgg11", input="oxford").input == "oxford"
    assert "said to be torchvision" in caplog.text
    monkeypatch.setitem(weights.FILE_NAMES, "vgg11", "vgg11-00000000.pth")
    monkeypatch.setattr(weights, "_OXFORD_HASHES", (name[6:14],))
    assert load_weights(vgg11_pth, "vgg11").input == "oxford"


# Files that are not well ---------------------------------------------------------


class Evil:
    """Unpickled, it would make a folder."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused(zipped: bool, vgg11: StateDict, tmp_path: Path) -> None:
    path, witness = tmp_path / "evil.pth", tmp_path / "witness"
    content = {"features.0.bias": vgg11["features.0.bias"], "x": Evil(witness)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ArtistNstError, match="refused: it holds code, not only") as e:
        load_weights(path, "vgg11", input="oxford")
    assert str(path) in one_line(e)
    assert not witness.exists()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_plain_pickles_are_refused(protocol: int, tmp_path: Path) -> None:
    path, witness = tmp_path / "evil.pth", tmp_path / "witness"
    path.write_bytes(pickle.dumps({"x": Evil(witness)}, protocol=protocol))
    with pytest.raises(ArtistNstError, match=r"refused|neither") as error:
        load_weights(path, "vgg11", input="oxford")
    assert str(path) in one_line(error)
    assert not witness.exists()


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "module.pth"
    torch.save(torch.nn.Conv2d(3, 4, 3), path)
    with pytest.raises(ArtistNstError, match="it holds code, not only tensors") as e:
        load_weights(path)
    one_line(e)


def saved(content: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


SMALL = {"features.0.bias": torch.zeros(5000)}
BAD_BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "one byte": (b"\x80", "cut short or damaged"),
    "text": (b"version https://example.org/spec\noid 1234\n" * 9, "is neither"),
    "page": (b"<!doctype html><title>404</title>" * 20, "is neither"),
    "braces": (b"01234567{", "cut short or damaged"),
    "no zip end": (saved(SMALL)[:9000], "cut short or damaged"),
    "zip head": (b"PK\x03\x04" + bytes(100), "cut short or damaged"),
    "old, cut": (saved(SMALL, zipped=False)[:-99], "cut short or damaged"),
    "list": (saved([torch.zeros(2)]), "holds no state dict"),
    "tensor": (saved(torch.zeros(2)), "holds no state dict"),
    "nothing": (saved({}), r"conv1_1 is missing \(no 0.weight\)"),
    "numbers": (saved({"features.0.weight": 3, 4: 5}), "conv1_1 is missing"),
}


@pytest.mark.parametrize("case", list(BAD_BYTES))
def test_bad_bytes(case: str, tmp_path: Path) -> None:
    content, problem = BAD_BYTES[case]
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ArtistNstError, match=problem) as error:
        load_weights(path)
    assert str(path) in one_line(error)


@pytest.mark.parametrize("left", [4, 9, 200, 100_000, -1])
def test_truncated_safetensors(
    left: int, vgg11_safetensors: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(vgg11_safetensors.read_bytes()[:left])
    with pytest.raises(ArtistNstError, match=r"cut short or damaged|neither") as error:
        load_weights(path, "vgg11")
    assert str(path) in one_line(error)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path, problem in ((tmp_path / "x.pth", "not exist"), (tmp_path, "a folder")):
        for ask in (load_weights, lambda at: find_weights(file=at)):
            with pytest.raises(ArtistNstError, match=problem) as error:
                ask(path)
            assert str(path) in one_line(error)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtistNstError, match="is not a file"):
        load_weights(tmp_path / "pipe")


def with_change(tensors: StateDict, name: str, value: Tensor | None) -> StateDict:
    changed = dict(tensors)
    del changed[name]
    return changed if value is None else {**changed, name: value}


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
        ("features.3.bias", torch.full((128,), torch.nan), "features.3.bias has val"),
        ("features.3.bias", torch.full((128,), -torch.inf), "features.3.bias has val"),
        ("features.3.bias", torch.zeros(128, dtype=torch.int8), "3.bias is torch.int8"),
    ],
)
def test_wrong_tensors(
    name: str, value: Tensor | None, problem: str, vgg11: StateDict, tmp_path: Path
) -> None:
    tensors = with_change(vgg11, name, value)
    torch.save(tensors, tmp_path / "weights.pth")
    save_file(tensors, tmp_path / "weights.safetensors", metadata={"input": "oxford"})
    for path in tmp_path.glob("weights.*"):
        with pytest.raises(ArtistNstError, match=problem) as error:
            load_weights(path, "vgg11", input="oxford")
        assert str(path) in one_line(error)


def test_a_precision_that_torch_cannot_give(vgg11: StateDict, tmp_path: Path) -> None:
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in vgg11.items():
        start, end = end, end + tensor.numel() // 2
        shape = list(tensor.shape)
        header[name] = {"dtype": "F4", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    with pytest.raises(ArtistNstError, match=r"damaged|not plain floats") as error:
        load_weights(path, "vgg11", input="oxford")
    assert str(path) in one_line(error)


def test_a_gap_after_conv5_1(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    tensors = {k: v for k, v in state_dict("vgg16").items() if "features.26." not in k}
    torch.save(tensors, path)
    with pytest.raises(ArtistNstError, match="conv5_2 is missing"):
        load_weights(path, "vgg16", input="oxford")


def test_sparse_tensors_are_refused(vgg11: StateDict, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    sparse = torch.zeros(128).to_sparse()
    torch.save(with_change(vgg11, "features.3.bias", sparse), path)
    with pytest.raises(ArtistNstError) as error:
        load_weights(path, "vgg11", input="oxford")
    assert str(path) in one_line(error)


def test_another_vgg_is_named(vgg11_safetensors: Path) -> None:
    with pytest.raises(ArtistNstError, match="VGG-11's weights, not VGG-19's") as e:
        load_weights(vgg11_safetensors)
    assert "--network vgg11" in one_line(e)


# The order of places -------------------------------------------------------------


def test_order_of_places(
    vgg11_safetensors: Path,
    vgg11_pth: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert locate_weights("vgg11") is None

    cached = own_cache / pretend_torchvisions(vgg11_pth, monkeypatch)
    own_cache.mkdir(parents=True)
    cached.symlink_to(vgg11_pth)
    assert locate_weights("vgg11") == cached
    found = find_weights("vgg11", offline=True)
    assert (found.source, found.input) == (str(cached), "torchvision")

    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg11_safetensors))
    assert locate_weights("vgg11") == vgg11_safetensors
    assert find_weights("vgg11").input == "oxford"

    assert locate_weights("vgg11", vgg11_pth) == vgg11_pth
    assert find_weights("vgg11", vgg11_pth).source == str(vgg11_pth)


@pytest.fixture(scope="module")
def vgg16_pth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg16.pth"
    torch.save(state_dict("vgg16"), path)
    return path


@pytest.fixture
def cached_vgg11(
    vgg11_pth: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """VGG-11's weights in torch's cache, as if downloaded."""
    cached = own_cache / pretend_torchvisions(vgg11_pth, monkeypatch)
    own_cache.mkdir(parents=True)
    cached.symlink_to(vgg11_pth)
    return cached


def test_the_variables_network_is_not_every_recipes(
    vgg16_pth: Path, cached_vgg11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable names VGG-16's; who asks for VGG-11 gets the cache's."""
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg16_pth))
    assert locate_weights("vgg11") == cached_vgg11
    found = find_weights("vgg11", offline=True)
    assert (found.network, found.source) == ("vgg11", str(cached_vgg11))
    assert found.input == "torchvision"
    assert locate_weights("vgg16") == vgg16_pth
    assert find_weights("vgg16", input="oxford").source == str(vgg16_pth)


def test_the_variables_own_network_comes_before_the_caches(
    vgg11_safetensors: Path, cached_vgg11: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg11_safetensors))
    assert cached_vgg11.is_file()
    assert locate_weights("vgg11") == vgg11_safetensors
    assert find_weights("vgg11").source == str(vgg11_safetensors)


def test_a_cache_with_another_hash_is_no_way_out(
    vgg16_pth: Path,
    cached_vgg11: Path,
    vgg11_pth: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cached_vgg11.unlink()
    cached_vgg11.write_bytes(vgg11_pth.read_bytes()[:-1])
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg16_pth))
    with pytest.raises(ArtistNstError, match=r"is damaged .*artist-nst weights"):
        find_weights("vgg11")


@pytest.mark.parametrize("named", ["file", "variable"])
def test_another_networks_file_says_the_mend(
    named: str,
    vgg16_pth: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is in the cache; that of the variable is found before a download."""
    assert not own_cache.exists()
    if named == "variable":
        monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(vgg16_pth))
    file = vgg16_pth if named == "file" else None
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-11's") as e:
        find_weights("vgg11", file)
    line = one_line(e)
    assert str(vgg16_pth) in line
    assert "--network vgg16" in line
    assert "`artist-nst weights --network vgg11`" in line


def test_a_file_that_is_named_is_not_passed_over(
    vgg16_pth: Path, vgg11_safetensors: Path, cached_vgg11: Path
) -> None:
    """Though the right weights are in the cache: a wish is not second-guessed."""
    assert locate_weights("vgg11", vgg16_pth) == vgg16_pth
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-11's") as e:
        find_weights("vgg11", vgg16_pth)
    assert "--network vgg16" in one_line(e)
    assert find_weights("vgg11", vgg11_safetensors).source == str(vgg11_safetensors)
    assert cached_vgg11.is_file()


@pytest.mark.parametrize("spoil", ["damaged", "not weights"])
def test_what_is_wrong_with_the_variables_file_is_said(
    spoil: str,
    tmp_path: Path,
    vgg11_safetensors: Path,
    cached_vgg11: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not passed over for the cache: only another network's is."""
    path = tmp_path / "spoilt.safetensors"
    path.write_bytes(vgg11_safetensors.read_bytes()[:-1000])
    if spoil == "not weights":
        save_file({"something": torch.zeros(2)}, path)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(path))
    with pytest.raises(ArtistNstError) as error:
        find_weights("vgg11")
    assert str(path) in one_line(error)
    assert cached_vgg11.is_file()


def test_the_normalised_network_finds_vgg19s_file(
    weights_file: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locate_weights("vgg19-normalised") is None
    with pytest.raises(WeightsUnavailableError, match="VGG-19's weights are not here"):
        find_weights("vgg19-normalised", offline=True)

    plain = find_weights("vgg19", weights_file)
    named = find_weights("vgg19-normalised", weights_file)
    assert named.network == plain.network == "vgg19"
    assert named.sha256 == plain.sha256
    loaded = load_weights(weights_file, "vgg19-normalised")
    for layer, (kernel, bias) in plain.kernels.items():
        for other in (named, loaded):
            assert torch.equal(other.kernels[layer][0], kernel)
            assert torch.equal(other.kernels[layer][1], bias)

    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(weights_file))
    assert locate_weights("vgg19-normalised") == weights_file
    monkeypatch.delenv("ARTIST_NST_WEIGHTS")
    own_cache.mkdir(parents=True)
    cached = own_cache / FILE_NAMES["vgg19"]
    cached.symlink_to(weights_file)
    assert locate_weights("vgg19-normalised") == cached


def test_another_file_for_the_normalised_network(vgg16_pth: Path) -> None:
    with pytest.raises(OtherNetworkError, match="VGG-16's weights, not VGG-19's") as e:
        find_weights("vgg19-normalised", vgg16_pth)
    assert "`artist-nst weights --network vgg19`" in one_line(e)


def test_a_variable_that_names_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", str(tmp_path / "gone.pth"))
    for ask in (find_weights, locate_weights):
        with pytest.raises(ArtistNstError, match=r"\$ARTIST_NST_WEIGHTS: ") as error:
            ask()
        assert "gone.pth does not exist" in one_line(error)
    monkeypatch.setenv("ARTIST_NST_WEIGHTS", "")
    assert locate_weights() is None


def test_a_cached_file_with_another_hash_is_refused(
    own_cache: Path, vgg11_pth: Path
) -> None:
    own_cache.mkdir(parents=True)
    (own_cache / FILE_NAMES["vgg11"]).symlink_to(vgg11_pth)
    with pytest.raises(ArtistNstError, match=r"damaged .*8a719046.*artist-nst"):
        find_weights("vgg11")


def test_offline_says_so() -> None:
    with pytest.raises(
        WeightsUnavailableError, match="offline nothing is downloaded"
    ) as error:
        find_weights(offline=True)
    assert "VGG-19's weights are not here" in one_line(error)
    assert "$ARTIST_NST_WEIGHTS" in str(error.value)


# Downloads -----------------------------------------------------------------------

BODY = bytes(range(256)) * 1600  # seven pieces
HASH = hashlib.sha256(BODY).hexdigest()[:8]


class Server(ThreadingHTTPServer):
    """Serves one body; how badly is set by its attributes."""

    daemon_threads = True
    body = BODY
    status = 200
    knows_ranges = True
    says_size = True
    cuts: list[int]  # bytes after which to hang up, one per answer
    shift = 0  # added to the start of every range
    asked: list[str | None]  # the Range of every request
    agents: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/models/net-{HASH}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Range"])
        self.server.agents.append(self.headers["User-Agent"])
        if self.server.status != 200:
            return self.send_error(self.server.status)
        body, start = self.server.body, 0
        if self.headers["Range"] and self.server.knows_ranges:
            start = int(self.headers["Range"][len("bytes=") : -1]) + self.server.shift
            if start >= len(body):
                return self.send_error(416)
            self.send_response(206)
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
        else:
            self.send_response(200)
        if self.server.says_size:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = self.server.cuts.pop(0) if self.server.cuts else len(body)
        self.wfile.write(body[start:][:cut])
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as served:
        served.cuts, served.asked, served.agents = [], [], []
        thread = threading.Thread(target=served.serve_forever, args=(0.02,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def part_of(folder: Path) -> Path:
    return folder / f"net-{HASH}.pth.part"


def test_download(
    server: Server, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "artist_nst")
    calls: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        calls.append((done, total))

    path = download_weights(url=server.url, on_progress=note)
    assert path == own_cache / f"net-{HASH}.pth"
    assert path.read_bytes() == BODY
    assert [one.name for one in own_cache.iterdir()] == [path.name]
    assert len(calls) == 7
    assert calls == sorted(calls)
    assert calls[-1] == (len(BODY), len(BODY))
    assert server.agents[0].startswith("artist-nst/")
    assert f"downloading net-{HASH}.pth (0 MiB) from 127.0.0.1 to" in caplog.text

    assert download_weights(url=server.url) == path
    assert len(server.asked) == 1  # what is here is not asked for again


def test_a_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"net-{HASH}.pth").write_bytes(BODY[:-1])
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY


def test_size_unknown(server: Server, tmp_path: Path) -> None:
    server.says_size = False
    totals: list[int] = []
    path = download_weights(
        url=server.url,
        folder=tmp_path,
        on_progress=lambda _, total: totals.append(total),
    )
    assert path.read_bytes() == BODY
    assert set(totals) == {0}


def test_a_cut_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.cuts = [150_000, 150_000]
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert len(server.asked) == 3
    first, second, third = server.asked
    assert first is None
    assert second is not None
    assert third is not None
    assert 65_536 <= int(second[6:-1]) <= 150_000 < int(third[6:-1])


def test_a_dead_server_is_given_up_and_the_part_kept(
    server: Server, tmp_path: Path
) -> None:
    server.cuts = [150_000, 0]
    with pytest.raises(WeightsUnavailableError, match="could not be downloaded") as e:
        download_weights(url=server.url, folder=tmp_path)
    one_line(e)
    kept = part_of(tmp_path).read_bytes()
    assert 0 < len(kept) < len(BODY)
    assert BODY.startswith(kept)
    download_weights(url=server.url, folder=tmp_path)
    assert server.asked[-1] == f"bytes={len(kept)}-"


def test_an_interrupted_download_goes_on(server: Server, tmp_path: Path) -> None:
    def interrupt(done: int, _: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_weights(url=server.url, folder=tmp_path, on_progress=interrupt)
    kept = part_of(tmp_path).stat().st_size
    calls: list[int] = []
    path = download_weights(
        url=server.url, folder=tmp_path, on_progress=lambda done, _: calls.append(done)
    )
    assert path.read_bytes() == BODY
    assert server.asked == [None, f"bytes={kept}-"]
    assert kept < calls[0]


@pytest.mark.parametrize("junk", [1000, len(BODY) + 1000])
def test_a_server_without_ranges_starts_anew(
    junk: int, server: Server, tmp_path: Path
) -> None:
    server.knows_ranges = False
    part_of(tmp_path).write_bytes(b"x" * junk)
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked == [f"bytes={junk}-"]


def test_a_whole_part_needs_only_its_name(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(BODY)
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-"]


@pytest.mark.parametrize("extra", [0, 7])
def test_a_part_that_ends_wrong_starts_anew(
    extra: int, server: Server, tmp_path: Path
) -> None:
    part_of(tmp_path).write_bytes(b"x" * (len(BODY) + extra))
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked[1:] == [None]


def test_another_range_than_asked_for_starts_anew(
    server: Server, tmp_path: Path
) -> None:
    server.shift = 10
    part_of(tmp_path).write_bytes(BODY[:1000])
    path = download_weights(url=server.url, folder=tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked == ["bytes=1000-", None]


def test_a_wrong_hash_is_never_accepted(server: Server, tmp_path: Path) -> None:
    server.body = b"not the weights" * 1000
    with pytest.raises(WeightsUnavailableError, match=f"not {HASH}, and was del") as e:
        download_weights(url=server.url, folder=tmp_path)
    one_line(e)
    assert not list(tmp_path.glob("net-*"))


def test_a_part_of_another_file_is_found_out(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(b"x" * 1000)
    with pytest.raises(WeightsUnavailableError, match="was deleted"):
        download_weights(url=server.url, folder=tmp_path)
    assert download_weights(url=server.url, folder=tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("status", [404, 416, 503])
def test_a_server_that_refuses(status: int, server: Server, tmp_path: Path) -> None:
    server.status = status
    with pytest.raises(WeightsUnavailableError, match=f"{status} .*127.0.0.1") as error:
        download_weights(url=server.url, folder=tmp_path)
    assert one_line(error).startswith("VGG-19's weights are not here and could not be")
    assert str(error.value).endswith(
        "name a file with --weights or $ARTIST_NST_WEIGHTS, run `artist-nst weights` "
        "where the network is reached, or paint with --network compact"
    )


def test_too_large_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_LARGEST_BYTES", 100_000)
    with pytest.raises(WeightsUnavailableError, match="too much"):
        download_weights(url=server.url, folder=tmp_path)
    server.says_size = False
    with pytest.raises(WeightsUnavailableError, match="sent more than"):
        download_weights(url=server.url, folder=tmp_path)


def test_connection_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/net-{HASH}.pth"
    with pytest.raises(WeightsUnavailableError, match=r"\(Connection refused\)") as e:
        download_weights("vgg16", url=url, folder=tmp_path)
    assert one_line(e).startswith("VGG-16's weights")


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsUnavailableError, match=str(tmp_path / "file")) as error:
        download_weights(url=server.url, folder=tmp_path / "file" / "checkpoints")
    one_line(error)


def test_an_address_without_a_hash(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="carries no hash"):
        download_weights(url="http://127.0.0.1:9/vgg19.pth", folder=tmp_path)


def test_several_at_once(server: Server, tmp_path: Path) -> None:
    part_of(tmp_path).write_bytes(BODY[:70_000])
    server.cuts = [90_000, 100_000]
    done: list[Path] = []
    threads = [
        threading.Thread(
            target=lambda: done.append(
                download_weights(url=server.url, folder=tmp_path)
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [tmp_path / f"net-{HASH}.pth"] * 4
    assert done[0].read_bytes() == BODY


def test_found_by_download_at_last(
    server: Server,
    vgg11_pth: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = pretend_torchvisions(vgg11_pth, monkeypatch)
    server.body = vgg11_pth.read_bytes()

    class Published:
        url = server.url.replace(f"net-{HASH}.pth", name)

    monkeypatch.setattr(weights, "_published", lambda _: Published)
    assert find_weights("vgg11").source == str(own_cache / name)
    assert find_weights("vgg11", offline=True).input == "torchvision"
    assert len(server.asked) == 1
