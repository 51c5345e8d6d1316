"""docs/examples/mp3_stream: music made here, streamed through a node, and decoded by a real player."""

from __future__ import annotations

import math
import shutil
import struct
import wave
from pathlib import Path
from typing import List, Tuple

import pytest

from mongrel2 import ControlPort
from support.program import Program, run
from support.raw import Client
from support.server import ROOT, Kit, Server, Stage

EXAMPLE = ROOT / "docs" / "examples" / "mp3_stream"
PIECE = 8192
RATE = 44100
TONES = {"first song": 440.0, "second song": 880.0}

needs = [shutil.which(program) for program in ("lame", "mpg123")]
pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(None in needs, reason="lame or mpg123 is not there"),
]


def compose(folder: Path, title: str, hertz: float, seconds: int = 4) -> None:
    """An MP3 of one tone."""
    count = RATE * seconds
    samples = [int(12000 * math.sin(2 * math.pi * hertz * i / RATE)) for i in range(count)]
    with wave.open(str(folder / "tone.wav"), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(struct.pack(f"<{count}h", *samples))
    done = run(
        ["lame", "--quiet", "-b", "128", "--tt", title, folder / "tone.wav", folder / f"{title}.mp3"]
    )
    assert done.returncode == 0, done.stderr
    (folder / "tone.wav").unlink()


@pytest.fixture(scope="module")
def music(module_stage: Stage) -> Path:
    folder = module_stage.folder()
    for title, hertz in TONES.items():
        compose(folder, title, hertz)
    return folder


@pytest.fixture
def radio(stage: Stage, node: Kit, music: Path) -> Server:
    ports = {"6767": stage.port(), "9995": stage.port(), "9994": stage.port()}
    text = (EXAMPLE / "mongrel2.conf").read_text()
    for port, free in ports.items():
        text = text.replace(port, str(free))
    server = Server(stage, node, text.replace("{", "{{").replace("}", "}}"))
    server.uuid, server.port = "9a1f1c52-3c8e-4b0e-8f0a-6a3f5a9b2e07", ports["6767"]
    server.load().start()
    ends = [f"tcp://127.0.0.1:{ports['9995']}", f"tcp://127.0.0.1:{ports['9994']}"]
    station: Program = stage.start(
        ["/usr/bin/python3", "-B", EXAMPLE / "mp3_stream.py", music, "-speed", 8]
        + ["-requests", ends[0], "-replies", ends[1]],
        stage.folder(),
        name="station",
        env={"PYTHONPATH": str(ROOT / "proto" / "python")},
    )
    station.wait_log("on the air with 2 files")
    return server


def listen(stage: Stage, radio: Server, titles: bool) -> Client:
    """A listener that has the head of the answer."""
    headers = {"Icy-MetaData": "1"} if titles else {}
    client: Client = stage.keep(Client(radio.port))
    client.get("/mp3stream", headers=headers)
    head = client.read_until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    assert (b"icy-metaint: 8192" in head) == titles
    return client


def take_piece(client: Client) -> Tuple[bytes, bytes]:
    """A piece of music, and the text of the block behind it."""
    music = client.read(PIECE)
    units = client.read(1)[0]
    return music, client.read(units * 16).rstrip(b"\0")


def tones_in(pcm: bytes) -> List[str]:
    """The song of each second, by counting zero crossings; "" where it changes."""
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm[: len(pcm) // 2 * 2])
    found = []
    for at in range(0, len(samples) - RATE, RATE):
        part = samples[at : at + RATE]
        crossings = sum(a < 0 <= b for a, b in zip(part, part[1:]))
        found.append(next((t for t, hertz in TONES.items() if abs(crossings - hertz) < 12), ""))
    return found


def test_a_player_hears_the_music(stage: Stage, radio: Server) -> None:
    folder = stage.folder()
    pcm = folder / "heard.pcm"
    player = stage.start(
        ["mpg123", "-O", pcm, "-e", "s16", "--mono", "-r", RATE, "-v", "--no-control"]
        + [f"http://127.0.0.1:{radio.port}/mp3stream"],
        folder,
        name="mpg123",
    )
    for title in TONES:
        player.wait_log(f"StreamTitle='{title}'", 60)
    player.wait(lambda: pcm.stat().st_size > RATE * 2 * 12, "twelve seconds of sound", 60)
    player.kill()
    heard = tones_in(pcm.read_bytes())
    assert set(TONES) <= set(heard), heard
    assert heard.count("") < len(heard) / 2, heard


def test_all_hear_the_same(stage: Stage, radio: Server) -> None:
    listeners: List[Client] = [listen(stage, radio, titles=True) for _ in range(30)]
    plain = listen(stage, radio, titles=False)
    heard = [[take_piece(client) for _ in range(6)] for client in listeners]
    assert len({music for music, _ in heard[-1]}) > 1
    common = set(heard[0]).intersection(*map(set, heard))
    assert common, "thirty listeners have no piece in common"
    without = plain.read(3 * PIECE)
    everything = b"".join(music for music, _ in heard[0])
    assert without[:PIECE] in everything or everything[-PIECE:] in without
    assert any(title.startswith(b"StreamTitle='") for _, title in sum(heard, []))


def test_who_leaves_is_forgotten(stage: Stage, radio: Server) -> None:
    client = listen(stage, radio, titles=True)
    other = listen(stage, radio, titles=True)
    take_piece(client)
    client.close()
    for _ in range(4):
        take_piece(other)
    control = stage.keep(ControlPort(f"ipc://{radio.folder}/control"))
    assert len(control.request("status", what="net").rows) == 1


def test_head(stage: Stage, radio: Server) -> None:
    client = stage.keep(Client(radio.port))
    client.get("/mp3stream", method="HEAD")
    assert client.read_end().startswith(b"HTTP/1.1 200 OK\r\n")
