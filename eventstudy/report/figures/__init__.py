"""Figures as one description of marks each (``marks``), written as SVG (``svg``) and, where PNG or PDF is asked for,
drawn with Matplotlib (``raster``); one file a kind of figure."""
