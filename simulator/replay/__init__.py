"""From a capture to a reproduction: recording a real station, playing a captured one, drafting a profile of it.

``tap`` and ``proxy`` listen to a station and its CSMS. ``capture`` is what can be played of a recording, ``mapping``
what must be different, ``player`` the captured station as a sans-IO object, ``shadow`` what it answers where the
capture is silent, ``stage`` puts these together, ``live`` plays on a socket, ``verdict`` and ``report`` judge.
``learn`` drafts a profile with ``samples`` and ``recognise``, ``sap`` converts one, ``draft`` is what both write.
"""
