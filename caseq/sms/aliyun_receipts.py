"""Receipts that Aliyun pushes to us. They are not signed, so they are a hint to ask Aliyun, and never an answer."""

from caseq.rules import strictjson


def hints(body: bytes) -> list[str]:
    """The OutIds that a push names, each once, in its order; none if it has not the documented form (help page 101867:
    an array of objects). Raises NotJson. Messages of other programs of the account may come without an OutId."""
    reports = strictjson.loads(body)
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        return []
    named = [report.get("out_id") or "" for report in reports]
    if not all(isinstance(name, str) for name in named):
        return []
    return [name for name in dict.fromkeys(named) if name]
