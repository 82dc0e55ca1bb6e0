"""The ``squeezebert`` command: ``main.py`` and one file a verb.

A verb's file imports nothing heavy at its top, so that ``squeezebert --help`` is quick; what it
needs it imports when it runs.
"""
