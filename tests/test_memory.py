from __future__ import annotations

import subprocess
import sys


def test_keeping_freed_memory_spares_page_faults() -> None:
    """In processes of their own, as the setting cannot be taken back."""
    # Counted after a first block, and over 32 MiB, from where on glibc always requests it from the system.
    code = (
        "import resource, sys, numpy as np\n"
        "from maskwise.memory import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "def faults_after(n):\n"
        "    for _ in range(n): np.ones(40_000_000, dtype=np.uint8)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "first = faults_after(1)\n"
        "print(faults_after(20) - first)"
    )
    faults = {
        name: int(subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True).stdout)
        for name in ("keep", "give back")
    }
    if sys.platform == "linux":
        assert faults["keep"] < faults["give back"]
