"""What a user gets who installs the package rather than cloning it."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_procedural_artist_is_found_from_an_installed_wheel(
    tmp_path: Path,
) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d"]
    subprocess.run([*build, tmp_path], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
        for name in ("py.typed", "data/compact.safetensors"):
            assert f"artist_nst/{name}" in archive.namelist()
    code = f"""
import sys
sys.path.insert(0, {str(installed)!r})  # before the checkout's editable install
from pathlib import Path
from artist_nst.corpus.works import find_corpus, packaged_corpora
print(packaged_corpora())
print(len(find_corpus("procedural", Path("nowhere")).here))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    where, count = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert count == "8"
