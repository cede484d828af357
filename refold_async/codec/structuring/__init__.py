"""JSON values to typed values, by cattrs.

Strict: nothing is converted, and errors name the path of what does not fit.
"""
