"""Sending messages: what waits in the outbox goes out once, or ends where somebody sees it.

The gateway is called between two transactions: the first claims and writes down what is going to be said, the second
records. What was claimed and not recorded has an unknown outcome, and the provider is asked before anything is sent
again.
"""
