"""What the person wrote: a script's text and its inline metadata."""
