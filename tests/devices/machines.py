"""Machines as an inventory describes them."""

from malgwi.devices import Card, Inventory

GB = 1_000_000_000
CAPABILITIES = {
    "NVIDIA GeForce RTX 5090": (12, 0),
    "NVIDIA RTX PRO 6000 Blackwell Workstation Edition": (12, 0),
    "NVIDIA B200": (10, 0),
    "NVIDIA H100 80GB HBM3": (9, 0),
    "NVIDIA H200": (9, 0),
    "NVIDIA GeForce RTX 4090": (8, 9),
    "NVIDIA L4": (8, 9),
    "NVIDIA GeForce RTX 3070 Ti": (8, 6),
    "NVIDIA A100-SXM4-80GB": (8, 0),
    "NVIDIA GeForce RTX 2080 Ti": (7, 5),
    "Tesla T4": (7, 5),
    "NVIDIA GeForce GTX 1660 SUPER": (7, 5),
    "NVIDIA GeForce GTX 1650 Ti": (7, 5),
    "NVIDIA T400 4GB": (7, 5),
    "NVIDIA T1200 Laptop GPU": (7, 5),
    "Quadro T2000": (7, 5),
    "NVIDIA GeForce MX450": (7, 5),
    "Tesla V100-SXM2-16GB": (7, 0),
    "NVIDIA GeForce GTX 1080": (6, 1),
    "Tesla P40": (6, 1),
    "Tesla P100-PCIE-16GB": (6, 0),
    "NVIDIA GeForce GTX 980": (5, 2),
}


def card(name: str, index: int = 0, free: int | None = 24 * GB) -> Card:
    return Card(index, name, f"GPU-{index}{index}{index}", CAPABILITIES[name], 24 * GB, free)


def machine(*names: str, driver: str = "580.65.06", free: int | None = 24 * GB) -> Inventory:
    """All is well there."""
    cards = tuple(card(name, index, free) for index, name in enumerate(names))
    return Inventory(driver, cards, device_file=True, libcuda=True, evidence=("NVML",))


NOTHING = Inventory(evidence=("NVML: NVML Shared Library Not Found", "no card found"))
"""A machine without any trace of a GPU."""
IN_A_CONTAINER = Inventory(container=True, evidence=("no nvidia-smi", "no card found"))
"""A container without any trace of a GPU."""
GIVEN_NO_GPU = Inventory(
    "550.144.03", container=True, evidence=("no /dev/nvidia0", "no card found")
)
"""A container on a machine that has one."""
WITHOUT_LIBCUDA = Inventory("550.144.03", device_file=True, evidence=("no card found",))
OLD_DRIVER = Inventory("470.256.02", device_file=True, libcuda=True, evidence=("no card found",))
