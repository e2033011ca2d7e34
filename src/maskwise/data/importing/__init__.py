"""Readers of public and own face sets: what each photo shows, and why some cannot be used. One file a format."""
