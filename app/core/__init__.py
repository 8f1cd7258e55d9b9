"""The rules of Greenroom: plain values and pure functions.

Nothing here reads a clock, a file, a network or a random source: time and seed are arguments.
"""
