"""One run as data: a recipe composes the settings of every component."""
