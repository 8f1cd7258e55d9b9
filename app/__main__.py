"""python -m app"""

from app.cli.commands import app

app(prog_name="python -m app")
