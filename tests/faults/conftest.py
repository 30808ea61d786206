"""What the fault tests share with the walks: the whole system of processes, and a provider."""

from tests.fake_twilio import fake_twilio_module, twilio

__all__ = ["fake_twilio_module", "twilio"]
