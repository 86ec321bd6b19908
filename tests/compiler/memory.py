"""How much memory the process holds."""

import resource
import sys
from pathlib import Path


def resident():
    """Bytes that the process holds now; where the system does not tell, the most that it has ever held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
