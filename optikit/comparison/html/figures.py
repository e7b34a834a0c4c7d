"""Figures as Bokeh draws them: empty, with all that the page's script fills them with.

For each optimizer there is a line, markers at a few places of it, and where there are quartiles, a band.  Each carries
the number of its optimizer, by which the script finds it.
"""

from collections.abc import Sequence
from typing import Any

from optikit.comparison.html.charts import Chart
from optikit.comparison.html.styles import style
from optikit.comparison.html.text import clean
from optikit.errors import InputError
from optikit.library import import_library

_HEIGHT = 420
_TOOLTIP = "margin:-5px;padding:5px;max-width:20rem;overflow-wrap:anywhere;background:var(--panel);color:var(--text)"


def library() -> str:
    """Give the source of Bokeh for a browser: its core, which draws all figures here.

    Raises
    ------
    InputError
        If Bokeh is not installed.
    """
    try:
        resources = import_library("bokeh.resources")
    except ImportError:
        raise InputError(
            "a page needs bokeh, which is not installed; run `python -m pip install 'optikit[report]'`"
        ) from None
    inline: Any = resources.Resources(mode="inline", components=["bokeh"], log_level="error")
    return "\n".join(inline.js_raw)


def figure(chart: Chart, optimizers: Sequence[str]) -> dict[str, Any]:
    """Make a figure without data, as Bokeh embeds it."""
    models, plotting = import_library("bokeh.models"), import_library("bokeh.plotting")
    plot: Any = plotting.figure(
        height=_HEIGHT,
        sizing_mode="stretch_width",
        x_axis_type="log",
        y_axis_type="log" if chart.log else "linear",
        x_axis_label=chart.x,
        y_axis_label=chart.y,
        x_range=models.Range1d(1, 10),
        y_range=models.Range1d(0.1, 1),
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_drag=None,
        name=chart.key,
    )
    plot.toolbar.logo = None
    plot.background_fill_color = plot.border_fill_color = None  # the page's own ground shows through
    plot.axis.axis_label_text_font_style = "normal"
    plot.axis.axis_label_text_font_size, plot.axis.major_label_text_font_size = "14px", "13px"
    shown = list[Any]()
    for number, label in enumerate(optimizers):
        look, name = style(number), clean(label)
        source: Any = models.ColumnDataSource({"x": [], "y": [], "low": [], "high": []})
        marks: Any = models.ColumnDataSource({"x": [], "y": []})
        if chart.banded:
            band = plot.add_glyph(source, models.VArea(x="x", y1="low", y2="high", fill_alpha=0.15), name=name)
            band.tags = [number, "band"]
        if not chart.points:
            line = plot.add_glyph(source, models.Line(line_width=2, line_dash=list(look.dash)), name=name)
            line.tags = [number, "line"]
            shown.append(line)
        size = 11 if chart.points else 7
        mark = plot.add_glyph(marks, models.Scatter(marker=look.marker, size=size, line_width=1.5), name=name)
        mark.tags = [number, "mark"]
        if chart.points:
            shown.append(mark)
    plot.add_tools(
        models.HoverTool(
            renderers=shown,
            line_policy="nearest",
            # Bokeh escapes what it puts in.  The page's colours reach in here, other than Bokeh's own.
            tooltips=f'<div style="{_TOOLTIP}"><b>$name</b><br>{chart.x}: @x{{%.4g}}<br>{chart.y}: @y{{%.3g}}</div>',
            show_arrow=False,
            formatters={"@x": "printf", "@y": "printf"},
        )
    )
    return import_library("bokeh.embed").json_item(plot)
