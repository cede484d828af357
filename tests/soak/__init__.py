"""A soak: many calls through a server that does what networks, gateways and overloaded services do, judged at the end.

`make soak` runs it. The server keeps the truth: what reached it, what ran, and whose answer is whose. Every answer
carries a mark of the call it is for. At the end each call is held against the truth: whether it got its own answer, ran
as often as it may, and told honestly what became of it.
"""
