"""The command line: words, progress and exit codes. Torch is imported only inside the verbs that need it."""
