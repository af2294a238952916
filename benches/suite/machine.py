"""What was measured on, and with what."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.environments import Installed

# How long to look, in seconds, and the share above which somebody else is at work.
LOOK = 1.0
IDLE = 0.1


def busy() -> float:
    """Which share of the processors is at work while this program is not."""
    before = processor_ticks()
    time.sleep(LOOK)
    idle, total = (after - earlier for after, earlier in zip(processor_ticks(), before))
    return 1 - idle / total


def processor_ticks() -> tuple[int, int]:
    """How long the processors were idle, and how long there were, since the machine was started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def described(python: Path, busiest: float) -> list[str]:
    """The machine, and the programs that matter."""
    warning = " (NOT idle: measure again)" if busiest > IDLE else ""
    return [
        f"- {processor()}, {os.cpu_count()} processors, {memory()} of memory",
        f"- {platform.system()} {platform.release()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}",
        f"- {first_line('rustc', '--version')}; {first_line('cc', '--version')}",
        f"- {first_line(str(python), '--version')} ({build_of(python)})",
        f"- at work on something else before a measurement: at most {busiest:.0%} of the processors{warning}",
        "",
    ]


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    """How much memory there is."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def build_of(python: Path) -> str:
    """Whether this Python is optimised: that makes a difference to every peer."""
    program = (
        "import sysconfig; print('--enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or ''))"
    )
    optimised = first_line(str(python), "-c", program) == "True"
    return "optimised build" if optimised else "built without --enable-optimizations"


def first_line(*command: str) -> str:
    """The first line that a program prints."""
    if shutil.which(command[0]) is None:
        return f"no {command[0]}"
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.partition("\n")[0]


def versions(installed: dict[str, Installed], names: dict[str, str]) -> str:
    """What was installed of each library, by module and its name among packages."""
    program = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    found = (
        f"{name} {first_line(str(installed[module].python), '-c', program, name)}"
        for module, name in names.items()
        if module in installed
    )
    return ", ".join(found)
