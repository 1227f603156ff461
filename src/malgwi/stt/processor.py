"""Wide vectors, which CTranslate2 leaves lying on a CPU.

Measured on 16 radio channels and two cores with AVX-512: they save 8 % of the time.
"""

import os
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def use_wide_vectors(cpu_info: Path = CPU_INFO) -> None:
    """Let CTranslate2 use AVX-512 where it does not slow the clock; call it before the first model.

    By itself CTranslate2 keeps to AVX2, since the first processors with AVX-512 ran slower for it;
    those that have VNNI too do not. CT2_FORCE_CPU_ISA, where somebody has set it, stays.
    """
    if cpu_info.is_file() and "avx512_vnni" in cpu_info.read_text():
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")
