"""The wheel: what a user has who installs the package without cloning it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_holds_the_procedural_artist(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*build, tmp_path], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        for name in ("py.typed", "data/compact.safetensors"):
            assert f"artist_nst/{name}" in archive.namelist()
    code = f"""
import sys
sys.path.insert(0, {str(site)!r})  # before the checkout's editable install
from pathlib import Path
from artist_nst.corpus.works import find_corpus, get_packaged_corpora
print(get_packaged_corpora())
print(len(find_corpus("procedural", Path("nowhere")).available))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    folder, count = done.stdout.splitlines()
    assert Path(folder).is_relative_to(site)
    assert count == "8"
