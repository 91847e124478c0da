# SPDX-License-Identifier: BSD-3-Clause
"""The director in a virtual machine with PCI network cards, between clients and servers in namespaces."""
