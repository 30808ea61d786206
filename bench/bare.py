"""The least a Flask program can do: the same bytes for every request, nothing read and nothing written."""

import os
from pathlib import Path

from flask import Flask, Response


def from_environment() -> Flask:
    """The application; CASEQ_BENCH_ANSWER names the file with the bytes to answer."""
    answer = Path(os.environ["CASEQ_BENCH_ANSWER"]).read_bytes()
    app = Flask("bare")

    @app.get("/api/v1/case")
    def case() -> Response:
        return Response(answer, mimetype="application/json")

    return app
