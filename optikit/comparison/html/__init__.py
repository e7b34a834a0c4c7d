"""A comparison as a page: one HTML file that needs no network, no server and no other file.

What is drawn is chosen here in plain numbers (`charts`), thinned to what can be seen; each optimizer has its colour,
dash and marker (`styles`).  Bokeh draws (`figures`): its library is written into the page, and the page's own script
hands it the numbers.  Whatever a user has named is text in the page, never markup (`text`), and the page forbids the
browser to load or to run anything that it was not written with (`page`).  All of what figures show stands in tables,
too (`grids`).
"""

from optikit.comparison.html.figures import library
from optikit.comparison.html.page import write

__all__ = ["library", "write"]
