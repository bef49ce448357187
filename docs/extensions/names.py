"""Names of ours in code lead to their reference, in pages and in docstrings.

`NoMessage`, `on_action("done")`, verbs of communicators such as `expect_nothing()`, and
in a docstring also the members of its class.
"""

import re
from collections.abc import Iterator
from itertools import chain

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

NAME = re.compile(r"(?:await )?(?:ws\.)?((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:\(.*\))?$")
VERB = re.compile(r"(?:send|receive|expect|assert|wait_for)_\w+|expect")
PACKAGES = ["wstest_core", "wstest_fastapi", "wstest_django"]


class Names(SphinxPostTransform):
    default_priority = 5
    formats = ("html",)

    def run(self, **_: object) -> None:
        seen: set[tuple[nodes.Node | None, str]] = set()
        for literal in list(self.document.findall(nodes.literal)):
            place = around(literal, nodes.section, addnodes.desc), literal.astext()
            found = self.target(literal)
            if found is not None and place not in seen:
                seen.add(place)
                self.link(literal, *found)

    def target(self, literal: nodes.literal) -> tuple[str, ObjectEntry] | None:
        """Return the full name that a piece of code means, and where it is."""
        name = NAME.match(literal.astext())
        if name is None or self.is_no_place(literal):
            return None
        signatures = signatures_around(literal)
        if name[1] in chain.from_iterable(map(parameters_of, signatures)):
            return None
        described = [each for signature in signatures for each in signature["ids"]]
        objects = self.env.domains.python_domain.objects
        for full in [
            *(f"{home}.{name[1]}" for each in described for home in homes_of(each)),
            *self.candidates(name[1], literal),
        ]:
            if full in objects and full not in described:
                return full, objects[full]
        return None

    def candidates(self, name: str, literal: nodes.literal) -> Iterator[str]:
        subjects = [self.env.docname, *titles_around(literal)]
        django = re.search(r"django|channels\b", " ".join(subjects), re.I)
        yield name
        for package in reversed(PACKAGES) if django else PACKAGES:
            yield f"{package}.{name}"
        # Named with its module, and described as one of the package.
        yield re.sub(r"^(wstest_\w+)\..*\.", r"\1.", name)
        if VERB.fullmatch(name):
            yield f"wstest_core.WebsocketCommunicator.{name}"

    def is_no_place(self, literal: nodes.literal) -> bool:
        """Whether a name stands where a link would be wrong, or one stands already."""
        if around(literal, nodes.title, nodes.reference, addnodes.pending_xref):
            return True
        # Tables of migration have the names of others in their first column.
        entry = around(literal, nodes.entry)
        first = entry is not None and entry.parent.index(entry) == 0
        return first and self.env.docname.startswith("migrate/")

    def link(self, literal: nodes.literal, full: str, entry: ObjectEntry) -> None:
        to, place = entry.docname, entry.node_id
        builder, here = self.app.builder, self.env.docname
        reference = make_refnode(builder, here, to, place, literal.deepcopy(), full)
        literal.parent.replace(literal, reference)


def around(node: nodes.Node, *kinds: type[nodes.Node]) -> nodes.Node | None:
    """Return the closest node of these kinds that a node stands in."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return node
    return None


def titles_around(node: nodes.Node) -> Iterator[str]:
    """Yield the headings of the sections that a node stands in."""
    while (node := around(node, nodes.section)) is not None:
        yield node[0].astext()


def signatures_around(node: nodes.Node) -> list[addnodes.desc_signature]:
    """Return the signatures of what is described where a node stands."""
    found: list[addnodes.desc_signature] = []
    while (node := around(node, addnodes.desc)) is not None:
        own = node.children
        found += [each for each in own if isinstance(each, addnodes.desc_signature)]
    return found


def parameters_of(signature: addnodes.desc_signature) -> Iterator[str]:
    for parameter in signature.findall(addnodes.desc_parameter):
        name = parameter.next_node(addnodes.desc_sig_name)
        if name is not None:
            yield name.astext()


def homes_of(full: str) -> list[str]:
    """Where a docstring looks for a name: in its class, or beside its function."""
    return [full, full.rpartition(".")[0]]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(Names)
    return {"parallel_read_safe": True}
