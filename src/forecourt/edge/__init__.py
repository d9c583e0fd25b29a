"""Where bytes meet us: doors that translate and never decide."""
