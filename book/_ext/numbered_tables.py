"""Tables that cells make are numbered and called tables: a figure whose name begins with `tab-` is "Table N".

myst-nb gives the output of a cell a caption as a figure, whatever it shows.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PREFIX = "tab-"


class TableOfCell(nodes.figure):
    """The output of a cell that is a table, with its caption."""


class CallThemTables(SphinxTransform):
    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        for figure in list(self.document.findall(nodes.figure)):
            if type(figure) is nodes.figure and any(name.startswith(PREFIX) for name in figure["names"]):
                table = TableOfCell(figure.rawsource, *figure.children, **figure.attributes)
                figure.replace_self(table)
                self.document.ids.update(dict.fromkeys(table["ids"], table))  # where references look


def visit(translator, node: TableOfCell) -> None:
    translator.visit_figure(node)


def depart(translator, node: TableOfCell) -> None:
    translator.depart_figure(node)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_enumerable_node(TableOfCell, "table", html=(visit, depart))
    app.add_transform(CallThemTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
