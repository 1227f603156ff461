"""What our service is measured against: a loop over faster-whisper behind the plainest FastAPI app.

As its readme and a hundred projects have it: one model, one route, whatever comes is transcribed in
FastAPI's threads. Started by `benchmarks.load`: `python -m benchmarks.load_peer MODEL_FOLDER`.
"""

import argparse
import socket
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile
from faster_whisper import WhisperModel


def new_app(model: WhisperModel, **options: Any) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/audio/transcriptions")
    def transcriptions(file: UploadFile) -> dict[str, str]:
        segments, _ = model.transcribe(file.file, language="en", **options)
        return {"text": " ".join(each.text.strip() for each in segments)}

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="folder of the model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=1, help="5 is the library's own")
    parser.add_argument("--vad", action="store_true", help="with the library's voice detection")
    given = parser.parse_args()
    model = WhisperModel(given.model, device="cpu", compute_type="int8", cpu_threads=given.threads)
    app = new_app(model, beam_size=given.beam, vad_filter=given.vad)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"Listening on http://127.0.0.1:{listening.getsockname()[1]}.", flush=True)
        uvicorn.Server(uvicorn.Config(app)).run(sockets=[listening])


if __name__ == "__main__":
    main()
