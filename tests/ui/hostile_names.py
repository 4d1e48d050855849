"""A hostile name, and what it must not cause."""

HOSTILE = (
    "<script>alert(1)</script> [x](javascript:alert(1)) $a^2$ :material/home: **b** `c` <img src=x"
    " onerror=alert(1)>"
)
# Cells of our tables, option lists and text elements show letters and nothing else, charts and our
# own HTML know tags, all else is Markdown.
LETTERS_ONLY, KNOW_TAGS = (
    {
        "bidi_component",
        "text",
        "selectbox",
        "multiselect",
        "text_input",
        "text_area",
    },
    {"html", "plotly_chart"},
)
MARKUP, TAGS = (
    ("](java", "$a^2$", ":material/home:", "**b**", "<script>", "<img"),
    (
        "<script>",
        "<img",
    ),
)
