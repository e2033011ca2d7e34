"""Pages for people: self-contained HTML with its pictures inside."""
