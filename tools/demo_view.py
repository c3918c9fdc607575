# What tools/demo shows: the tree as a table. No processes here.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

COLUMNS = (  # title, width
    ("state", 11), ("level", 6), ("lost", 6), ("delay ms 50/99%", 16),
    ("feeds", 6), ("moves", 6), ("gap ms", 7))
NAME_WIDTH = 79 - sum(width for _title, width in COLUMNS) - 1
NOTES = (
    "lost: packets that never came. delay: since the source sent them; half",
    "and 99 of 100 packets were faster. moves: changes of parent. gap: how long",
    "the stream stopped at the last one.")
GREEN, YELLOW, RED, DIM, BOLD = "32", "33", "31", "2", "1"
STATE_COLOURS = {
    "source": GREEN, "receiving": GREEN, "discovering": YELLOW,
    "transient": YELLOW, "failed": RED, "killed": RED, "gone": RED,
    "stale": YELLOW, "player": GREEN}


def paint(text, colour, colours):
    return f"\x1b[{colour}m{text}\x1b[0m" if colours and colour else text


def fold_command(command, width=76):
    """Lines of at most so many columns that a shell reads as one command."""
    lines = []
    line = " "
    for word in command.split(" "):
        if len(line) + len(word) + 3 > width and line.strip():
            lines.append(line + " \\")
            line = "   "
        line += " " + word
    return lines + [line]


def milliseconds(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def figures(stats, state):
    """The cells of a row beside the name."""
    if state in ("killed", "gone", "starting"):
        return (state,)
    source = stats.get("level") == 0 and state == "source"
    delay = stats.get("delay-ms") or {}
    gap = (stats.get("transience-ms") or {}).get("last")
    moves = stats.get("switches", 0)
    return (
        state,
        str(stats["level"]) if "level" in stats and state in (
            "source", "receiving") else "-",
        "-" if source else str(stats.get("packets-lost", "-")),
        "-" if source or not delay else (
            milliseconds(delay.get("p50")) + " / " +
            milliseconds(delay.get("p99"))),
        str(stats.get("feeds", len(stats.get("children", [])))),
        "-" if source else str(moves),
        milliseconds(gap) if gap else "-",
    )


def row(name, cells, colours, name_colour=None, width=NAME_WIDTH):
    line = paint(name[:width].ljust(width), name_colour, colours)
    for (_title, cell_width), cell in zip(COLUMNS, cells):
        if _title == "state":
            line += " " + paint(cell.ljust(cell_width),
                                STATE_COLOURS.get(cell), colours)
        else:
            line += cell.rjust(cell_width)
    return line.rstrip()


def header(colours, width=NAME_WIDTH):
    titles = [title for title, _width in COLUMNS]
    return paint(row("", titles, False, width=width), BOLD, colours)


def state_of(node):
    return node.fate or node.stats.get("state", "starting")


def draw_below(parent, by_parent, known, indent, colours, lines):
    """`known` are the ids that have rows of their own; a child that is not
    among them came from elsewhere."""
    below = [(child, None) for child in by_parent.get(parent.id, [])]
    below += [(None, child) for child in parent.stats.get("children", [])
              if child["id"] not in known]
    for number, (node, guest) in enumerate(below):
        last = number == len(below) - 1
        branch = indent + ("└─ " if last else "├─ ")
        if node:
            lines.append(row(branch + node.name,
                             figures(node.stats, state_of(node)), colours))
            draw_below(node, by_parent, known,
                       indent + ("   " if last else "│  "), colours, lines)
        else:
            what = "player" if guest.get("plain-player") else "guest"
            lines.append(paint(f"{branch}{what} {guest.get('address', '')}",
                               DIM, colours))


def draw_tree(source, peers, colours=False):
    """Rows for the source, everyone below it, and those that are nowhere."""
    by_parent = {}
    alone = []
    ids = {node.id for node in [source, *peers] if not node.fate}
    for peer in peers:
        parent = peer.stats.get("parent-id", "")
        if (not peer.fate and parent in ids and
                peer.stats.get("state") == "receiving"):
            by_parent.setdefault(parent, []).append(peer)
        else:
            alone.append(peer)
    lines = [header(colours),
             row(source.name, figures(source.stats, state_of(source)),
                 colours)]
    known = {node.id for node in [source, *peers]}
    draw_below(source, by_parent, known, " ", colours, lines)
    for peer in alone:
        lines.append(row("    " + peer.name,
                         figures(peer.stats, state_of(peer)), colours,
                         RED if peer.fate else None))
    return lines
