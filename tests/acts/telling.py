"""Who was sent how many codes and news."""

from tests.service import Service


def told(service: Service) -> dict[str, int]:
    """How many codes and news each number got, without the +86."""
    service.work()
    counts: dict[str, int] = {}
    for line in service.lines():
        counts[line["to"][3:]] = counts.get(line["to"][3:], 0) + 1
    return counts
