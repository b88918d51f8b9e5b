"""How long a full synchronization takes under the limits of the services, by a model of them; nothing is measured here.

`assumptions.py` is what goes in, `work.py` what the jobs ask of both services, `crew.py` who does it, `walk.py` the
time that it takes, `table.py` what docs/scale.md says.
"""
