"""The calibration pulse: a rectangle 1 mV high and 0.2 s wide beside the traces of a row.

`measured` finds one by its shape alone, where nothing else tells the scale; `printed` finds those
of a page whose scale is known, likest to their drawing; `of_lead` the one of a single lead.
"""
