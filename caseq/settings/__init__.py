"""config/ and the environment as one frozen `Settings`, or a `ConfigurationError` that names every fault."""

from caseq.settings.load import load, policy_of
from caseq.settings.model import Aliyun, Bureau, Login, Region, Settings, Source, Twilio, Worker
from caseq.settings.shipped import shipped

__all__ = [
    "Aliyun",
    "Bureau",
    "Login",
    "Region",
    "Settings",
    "Source",
    "Twilio",
    "Worker",
    "load",
    "policy_of",
    "shipped",
]
