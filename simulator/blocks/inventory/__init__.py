"""B, N The device model: which components and variables a product has, and how each is read.

Three tables of rows (``controllers``, ``station_rows``, ``evse_rows``) say what there can be: a component on its tier,
a variable, its type and limits, a function that reads it from hardware, facts or settings, and on which hardware it
exists. ``tree`` makes of them the variables of one model, once; thousands of stations share them and hold nothing.
``archetypes`` says what operators want of each kind of station.
"""
