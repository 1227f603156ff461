"""Malgwi on several machines: what runs where is said in one file, the inventory.

inventory    the file, read and checked: nodes, their addresses, roles, GPUs and queues
"""

from malgwi.ops.nodes.inventory import Inventory, Node, Queue, Role, read_inventory

__all__ = ["Inventory", "Node", "Queue", "Role", "read_inventory"]
