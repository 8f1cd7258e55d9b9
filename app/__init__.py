"""Greenroom: a mock-interview practice chatbot for people moving into machine-learning engineering."""

__version__ = "0.1.0"
