"""A request that leaves at the last moment only if its message may still be sent.

A worker that was stopped and goes on later must not finish what it had begun: somebody else may have asked the provider
by then, and be sending the message. So the time is looked at after the connection is made and the headers are out,
right before the body goes: without it the provider has no request. Between this look and the kernel nothing is left but
a few instructions.
"""

import io
from typing import Any

import requests

from caseq.sms.gateway import Sms


class Body(io.BytesIO):
    """The body of a request for one message; reading it raises TooLate when that must not reach the provider."""

    def __init__(self, sms: Sms, data: bytes) -> None:
        super().__init__(data)
        self._sms = sms

    def read(self, size: int | None = -1, /) -> bytes:
        self._sms.check_time()
        return super().read(size)


class LastMoment(requests.auth.AuthBase):
    """Gives a request such a body; as `auth`, because that is the last that requests asks before it sends."""

    def __init__(self, sms: Sms, auth: Any = None) -> None:
        self._sms, self._auth = sms, auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request = self._auth(request) if self._auth else request
        data = request.body or b""
        request.body = Body(self._sms, data.encode() if isinstance(data, str) else bytes(data))
        return request
