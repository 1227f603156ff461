"""Malgwi on several machines: what runs where is said in one file, the inventory.

inventory       the file, read and checked: nodes, their addresses, roles, GPUs and queues
composition     what a node runs, of the compose files in deploy/
settings        its .env
secrets         what the nodes share; each gets only its own
certificates    an authority, and a certificate a node
rendering       all of it as a folder a node
"""

from malgwi.ops.nodes.inventory import Inventory, Node, Queue, Role, read_inventory
from malgwi.ops.nodes.rendering import Changes, render

__all__ = ["Changes", "Inventory", "Node", "Queue", "Role", "read_inventory", "render"]
