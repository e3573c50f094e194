"""How right the answers of a server are: questions asked from outside, graded, compared and shown.

Used by `ragsql eval` and by the suites in evals/.
"""
