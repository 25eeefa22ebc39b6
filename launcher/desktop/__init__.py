"""Double-click: what the desktop is told about scripts, and what happens when it hands one over."""
