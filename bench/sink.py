"""A service that keeps nothing: it accepts every event at once, and holds no record."""

from flask import Flask, request


def from_environment() -> Flask:
    """The application, with the three addresses that an adapter uses."""
    app = Flask("sink")

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.get("/push/v1/<source>/checkpoint/records")
    def records(source: str) -> dict[str, object]:
        return {"source": source, "records": [], "next": None}

    @app.post("/push/v1/<source>")
    def push(source: str) -> dict[str, object]:
        events = request.get_json(force=True)
        return {"source": source, "results": [{"id": event["id"], "outcome": "accepted"} for event in events]}

    return app
