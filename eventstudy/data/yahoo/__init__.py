"""Yahoo through its real client, yfinance.

``wire`` watches every request the client makes and judges every reply itself; ``client`` asks for one symbol, again
where that helps, and turns what came into a vintage.
"""
