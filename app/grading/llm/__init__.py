"""An LLM as interviewer and second grader: optional, any OpenAI-compatible server, and what it says is checked."""
