"""Pages of the site that are made from the code: every verb's help."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.testing import CliRunner

from maskwise.cli.main import app
from maskwise.cli.verb_table import VERBS, load_verb


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference of commands, and the decisions to the navigation."""
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    place = next(entry for entry in config.nav or [] if "The code" in entry)
    decisions = sorted(path.name for path in (Path(config.docs_dir) / "decisions").glob("*.md"))
    place["The code"][-1] = {"Decisions": [f"decisions/{name}" for name in decisions]}
    return files


def commands_page() -> str:
    """The help of maskwise and of each verb."""
    parts = ["# Commands", "", "Every verb as `-h` prints it.", "", _block(())]
    for name, verb in VERBS.items():
        parts += [f"## maskwise {name}", "", f"{verb.summary}.", "", _block((name,))]
        for word in getattr(load_verb(name), "commands", {}):
            parts += [f"### maskwise {name} {word}", "", _block((name, word))]
    return "\n".join(parts)


def _block(words: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(app, [*words, "--help"]).stdout
    return f"```text\n{shown}```\n"
