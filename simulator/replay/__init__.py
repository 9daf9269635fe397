"""From a capture to a reproduction: recording a real station, playing a captured one, drafting a profile of it.

``tap`` and ``proxy`` listen to a station and its CSMS.
"""
