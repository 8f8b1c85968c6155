"""Surveys over HTTP: create them, answer, go on after a restart, see the results."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from artist_nst.cli import run
from artist_nst.painting.compute import ComputeOptions
from artist_nst.surveys.creation import create_survey
from artist_nst.surveys.store import open_survey
from artist_nst.web.app import create_app
from artist_nst.web.fetches import Fetcher
from artist_nst.web.queue import PaintingQueue
from artist_nst.web.security import Guard
from artist_nst.web.server import open_socket
from artist_nst.web.studio import Studio
from artist_nst.web.survey_app import create_survey_app
from tests.artists import save, save_painting, work
from tests.surveys.conftest import save_pictures

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
TOKEN = "correct horse"
PHOTO = "photos/0123456789abcdef/street.jpg"


@contextmanager
def serve(app: Guard) -> Iterator[str]:
    """Serve an application, and yield its address."""
    bound = open_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


class Client(requests.Session):
    """A browser that keeps cookies, and names addresses without the host."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        options.setdefault("timeout", 20)
        return super().request(method, self.url + url, *args, **options)


def answer_all(url: str, page: str, choose: Callable[[dict[str, Any]], Any]) -> Client:
    """Answer a survey from the first to the last task."""
    client = Client(url)
    assert client.get(page).status_code == 200
    reply = client.get(f"{page}/task").json()
    while (task := reply["task"]) is not None:
        answer = {"task": task["id"], "value": choose(task), "seconds": 1.5}
        response = client.post(f"{page}/answers", json=answer)
        assert response.status_code == 200, response.text
        assert response.json()["done"] == reply["done"] + 1
        reply = response.json()
    assert reply["done"] == reply["total"]
    return client


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio's folder of four paintings and a comparison of two."""
    root = tmp_path / "studio"
    save(root / PHOTO, work(0, 0))
    folder = root / "comparisons" / "ratio"
    folder.mkdir(parents=True)
    # As the painter does, whose records name the photo from there.
    monkeypatch.chdir(root)
    photo = Path(PHOTO)
    for number in range(4):
        name = f"street-{number}.png"
        save_painting(root / name, work(1, number), photo, [photo])
    for ratio in (1, 5):
        path = folder / f"r{ratio}.png"
        save_painting(path, work(2, ratio), photo, [photo])
    save(folder / "sheet.png", work(3, 0))
    table = "ratio,file\n1,r1.png\n5,r5.png\n"
    (folder / "results.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def make_studio(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Guard]:
    """Make applications of a studio that does not paint."""
    monkeypatch.setattr(PaintingQueue, "start", lambda _: None)
    monkeypatch.setattr(Fetcher, "start", lambda _: None)
    corpora = tmp_path / "corpora"
    corpora.mkdir()

    def make(token: str = "") -> Guard:
        studio = Studio(root, corpora, ComputeOptions())
        return create_app(studio, token=token)

    return make


@pytest.fixture
def url(make_studio: Callable[..., Guard]) -> Iterator[str]:
    with serve(make_studio()) as url:
        yield url


def create(client: Client, **options: Any) -> dict[str, Any]:
    """Create a survey about all paintings, unless told otherwise."""
    if "comparison" not in options:
        paintings = client.get("/api/paintings").json()["paintings"]
        options = {"paintings": [painting["id"] for painting in paintings]} | options
    response = client.post("/api/surveys", json=options)
    assert response.status_code == 201, response.text
    survey: dict[str, Any] = response.json()
    return survey


def test_rating_from_creation_to_results(
    make_studio: Callable[..., Guard], root: Path
) -> None:
    with serve(make_studio()) as url:
        survey = create(Client(url), title="Streets", question="How lively?")
        page = survey["rate"]
        assert len(survey["id"]) == 16
        answer_all(url, page, lambda task: int(task["id"]))
        second = Client(url)
        assert "How lively?" in second.get(page).text
        first = second.get(f"{page}/task").json()["task"]
        answer = {"task": first["id"], "value": "5"}
        assert second.post(f"{page}/answers", json=answer).json()["done"] == 1
    # A new server, the same browser.
    with serve(make_studio()) as url:
        second.url = url
        assert 'data-done="1"' in second.get(page).text
        reply = second.get(f"{page}/task").json()
        assert (reply["done"], reply["total"]) == (1, 4)
        while reply["task"]:
            assert reply["task"]["id"] != first["id"]
            answer = {"task": reply["task"]["id"], "value": 5}
            reply = second.post(f"{page}/answers", json=answer).json()
        # Another answer replaces the first one.
        answer = {"task": first["id"], "value": 1}
        assert second.post(f"{page}/answers", json=answer).json()["task"] is None
        client = Client(url)
        [listed] = client.get("/api/surveys").json()
        assert (listed["raters"], listed["answers"]) == (2, 8)
        statistics = client.get(f"/api/surveys/{survey['id']}").json()["statistics"]
        means = {entry["label"]: entry["mean"] for entry in statistics["paintings"]}
        labels = [item.label for item in open_survey(_file(root, survey)).items]
        expected = [(number + 5) / 2 for number in (1, 2, 3, 4)]
        expected[int(first["id"]) - 1] -= 2
        assert means == dict(zip(labels, expected, strict=True))
        assert sorted(labels) == ["street-0", "street-1", "street-2", "street-3"]
        response = client.get(f"/api/surveys/{survey['id']}/answers.csv")
        assert 'filename="streets.csv"' in response.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert len(rows) == 8
        assert {row["seconds"] for row in rows if row["rater"] == "1"} == {"1.5"}
        report = client.get(survey["results"])
        assert "<dd>8</dd>" in report.text
        assert f'href="/api/surveys/{survey["id"]}/answers.csv"' in report.text
        policy = report.headers["Content-Security-Policy"]
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy
        assert report.headers["X-Content-Type-Options"] == "nosniff"


def _file(root: Path, survey: dict[str, Any]) -> Path:
    return root / "surveys" / f"{survey['id']}.db"


def test_pairs_of_a_comparison_with_their_photo(url: str, root: Path) -> None:
    client = Client(url)
    options = {"kind": "pairs", "comparison": "ratio", "show_photo": True}
    survey = create(client, **options, show_works=True)
    items = open_survey(_file(root, survey)).items
    assert [item.label for item in items] == ["ratio 1", "ratio 5"]
    # Its path in the record starts at the studio's folder.
    assert items[0].pictures == ("painting", "photo", "work")
    tasks = []

    def choose(task: dict[str, Any]) -> str:
        tasks.append(task)
        return "left" if task["paintings"][0].endswith("/2/painting.jpg") else "right"

    for _ in range(2):
        answer_all(url, survey["rate"], choose)
    # Both are of one photo, which is shown once.
    assert [len(tasks[0][key]) for key in ("paintings", "photos", "works")] == [2, 1, 1]
    picture = client.get(tasks[0]["photos"][0])
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert "immutable" in picture.headers["Cache-Control"]
    statistics = client.get(f"/api/surveys/{survey['id']}").json()["statistics"]
    best = statistics["paintings"][0]
    assert (best["label"], best["wins"], best["answers"]) == ("ratio 5", 2, 2)


def test_statistics_without_answers_are_null(url: str) -> None:
    client = Client(url)
    for kind in ("rating", "pairs"):
        survey = create(client, kind=kind)
        response = client.get(f"/api/surveys/{survey['id']}")
        statistics = response.json()["statistics"]
        assert statistics["alpha"] is None
        assert statistics["paintings"][0]["interval"] is None
        assert client.get(survey["results"]).status_code == 200


def test_a_rater_has_a_cookie_of_ours(url: str, root: Path) -> None:
    survey = create(Client(url), kind="pairs")
    page = survey["rate"]

    def count_rows() -> int:
        with closing(sqlite3.connect(_file(root, survey))) as database:
            count: int = database.execute("SELECT COUNT(*) FROM choice").fetchone()[0]
            return count

    for headers in ({}, {"Cookie": "rater=' OR 1=1"}, {"Cookie": "rater=" + "g" * 32}):
        client = Client(url)
        client.headers.update(headers)
        assert client.get(f"{page}/task").status_code == 409
        answer = {"task": "1-2", "value": "left"}
        refused = client.post(f"{page}/answers", json=answer)
        assert refused.status_code == 409
        assert refused.json()["error"].startswith("you are not a rater yet")
        cookie = client.get(page).headers["Set-Cookie"]
        for part in (f"Path={page}", "HttpOnly", "SameSite=lax", "Max-Age=31536000"):
            assert part in cookie
    assert count_rows() == 0
    client = Client(url)
    ids = set()
    for address, method in ((page, "GET"), (f"{page}/raters", "POST")):
        client.request(method, address)
        assert client.get(page).headers.get("Set-Cookie") is None
        ids.add(client.cookies["rater"])
        assert client.get(f"{page}/task").json()["done"] == 0
    assert len(ids) == 2
    assert count_rows() == 2


def test_texts_are_never_markup(url: str) -> None:
    client = Client(url)
    survey = create(client, title=HOSTILE, question=HOSTILE, kind="pairs")
    assert survey["title"] == HOSTILE
    for address in (survey["rate"], survey["results"], "/surveys"):
        text = client.get(address).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;" in client.get(survey["rate"]).text
    csv_name = client.get(f"/api/surveys/{survey['id']}/answers.csv").headers
    assert csv_name["Content-Disposition"].endswith('-onerror-alert-2.csv"')


def test_unknown_surveys(url: str) -> None:
    client = Client(url)
    create(client)
    for id in ("0" * 16, "..", "%2e%2e%2fx", "a.db", "", "%00", "*"):
        for address in (f"/s/{id}/task", f"/api/surveys/{id}x", f"/surveys/{id}x"):
            assert client.get(address).status_code == 404, address
        for address in (f"/s/{id}/answers", f"/s/{id}/raters"):
            answer = {"task": "1", "value": 1}
            assert client.post(address, json=answer).status_code == 404, address


def test_a_rater_sees_nothing_of_the_studio(url: str) -> None:
    response = Client(url).get("/s/nothing", headers={"Accept": "text/html"})
    assert response.status_code == 404
    assert "there is nothing here" in response.text
    assert "/gallery" not in response.text


def test_unknown_pictures(url: str) -> None:
    client = Client(url)
    page = create(client)["rate"]
    assert client.get(f"{page}/pictures/1/painting.jpg").status_code == 200
    items = [f"{item}/painting" for item in ("0", "9", "x", "1e3", "-1", "9" * 40)]
    for address in (*items, "1/photo", "1/secret", "%2e%2e/1/painting"):
        response = client.get(f"{page}/pictures/{address}.jpg")
        assert response.status_code in (404, 422), address


def test_invalid_answers(url: str, root: Path) -> None:
    client = Client(url)
    survey = create(client)
    page = survey["rate"]
    client.get(page)
    changes: list[dict[str, Any]] = [{"rater": "0" * 32}]
    for key, values in {
        "value": (0, 6, -1, 1.5, "left", "", None, True, [3], "9" * 500),
        "task": ("0", "99", "1-2", "", "x", 1, "1;DROP", None, "9" * 500),
        "seconds": (-1, float("nan"), float("inf"), 1e9, "long"),
    }.items():
        changes += [{key: value} for value in values]
    for change in changes:
        body = json.dumps({"task": "1", "value": 3} | change)
        headers = {"Content-Type": "application/json"}
        response = client.post(f"{page}/answers", data=body, headers=headers)
        assert response.status_code == 422, change
        assert "\n" not in response.json()["error"]
    assert open_survey(_file(root, survey)).list_ratings() == []


def test_invalid_surveys(url: str, root: Path) -> None:
    comparison = {"comparison": "ratio"}
    requests_: list[dict[str, Any]] = [
        {},
        {"paintings": []},
        {"paintings": ["../../etc/passwd"]},
        {"paintings": ["0" * 16]},
        {"comparison": "../.."},
        comparison | {"paintings": ["0" * 16]},
        comparison | {"kind": "ranking"},
        comparison | {"title": "x" * 201},
        comparison | {"path": "/tmp/x.db"},
    ]
    for request in requests_:
        response = Client(url).post("/api/surveys", json=request)
        assert response.status_code == 422, request
        assert str(root) not in response.text
    assert list((root / "surveys").iterdir()) == []


def test_too_few_paintings_for_pairs(url: str) -> None:
    client = Client(url)
    [painting, *_] = client.get("/api/paintings").json()["paintings"]
    request = {"kind": "pairs", "paintings": [painting["id"]] * 2}
    response = client.post("/api/surveys", json=request)
    assert (response.status_code, response.json()) == (
        422,
        {"error": "choose at least 2 paintings"},
    )


def test_files_that_are_no_surveys_are_not_listed(
    url: str, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(url)
    (root / "surveys" / "other.db").write_text("no survey")
    assert client.get("/api/surveys").json() == []
    response = client.get("/s/other/task")
    assert (response.status_code, "try again" in response.text) == (503, True)
    assert str(root) not in response.text
    assert "other.db is no survey" in caplog.text


def test_raters_need_no_token(make_studio: Callable[..., Guard]) -> None:
    with serve(make_studio(TOKEN)) as url:
        client = Client(url)
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        survey = create(client)
        visitor = answer_all(url, survey["rate"], lambda _: 4)
        for address in ("/surveys", survey["results"]):
            response = visitor.get(address, allow_redirects=False)
            assert (response.status_code, response.headers["Location"]) == (
                303,
                "/token",
            )
        for address in ("/api/surveys", f"/api/surveys/{survey['id']}/answers.csv"):
            assert visitor.get(address).status_code == 401
        assert visitor.post("/api/surveys", json={}).status_code == 401
        assert visitor.post("/token", data={"token": TOKEN}).url == f"{url}/"
        assert "<dd>4</dd>" in visitor.get(survey["results"]).text


class TestSurveyAlone:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        folder = save_pictures(tmp_path / "nights", ["a.png", "b.png"])
        return create_survey(tmp_path / "survey.db", folder).path

    def test_raters_and_results(self, file: Path) -> None:
        with serve(create_survey_app(file)) as url:
            page = Client(url).get("/").url.removeprefix(url)
            answer_all(url, page, lambda _: 5)
            client = Client(url)
            assert "<dd>2</dd>" in client.get("/results").text
            assert len(client.get("/results/answers.csv").text.splitlines()) == 3
            for address in ("/surveys", "/api/surveys", "/gallery", "/openapi.json"):
                assert client.get(address).status_code == 404

    def test_results_are_behind_the_token(self, file: Path) -> None:
        with serve(create_survey_app(file, token=TOKEN)) as url:
            client = Client(url)
            page = client.get("/").url.removeprefix(url)
            answer_all(url, page, lambda _: 5)
            for address in ("/results", "/results/answers.csv", "//results"):
                assert "Whoever started" in client.get(address).text
            refused = client.post("/token", data={"token": "wrong"})
            assert refused.status_code == 403
            assert "/gallery" not in refused.text
            results = client.post("/token", data={"token": TOKEN})
            assert results.url == f"{url}/results"
            assert "<dd>2</dd>" in results.text

    def test_an_answer_that_cannot_be_kept_is_told(
        self, file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        with serve(create_survey_app(file)) as url:
            client = Client(url)
            page = client.get("/").url.removeprefix(url)
            moved = file.rename(file.with_name("moved.db"))
            answer = {"task": "1", "value": 3}
            response = client.post(f"{page}/answers", json=answer)
            assert response.status_code == 503
            assert str(file.parent) not in response.text
            assert "cannot be used as a survey" in caplog.text
            moved.rename(file)
            assert client.post(f"{page}/answers", json=answer).status_code == 200
        assert len(open_survey(file).list_ratings()) == 1

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (["--host", "0.0.0.0"], "--host 0.0.0.0 lets others in: add --token new"),
            (["--host", "0.0.0.0", "--token", "short"], "--token is too short"),
            (["--host", "no.such.host.invalid", "--token", "new"], "choose another"),
        ],
    )
    def test_others_need_a_token(
        self,
        file: Path,
        options: list[str],
        reason: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert run(["survey", "serve", str(file), *options]) == 2
        assert reason in capsys.readouterr().err

    def test_needs_no_torch(self) -> None:
        module = "artist_nst.web.survey_app"
        check = f"import {module}, sys; sys.exit('torch' in sys.modules)"
        subprocess.run([sys.executable, "-c", check], check=True)
