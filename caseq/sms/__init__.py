"""The gateways that carry messages; nothing else knows a provider."""
