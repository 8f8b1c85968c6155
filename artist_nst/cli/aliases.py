"""What other style-transfer tools call our painting options."""

PAINTING_COMMANDS = ("paint", "repaint", "compare", "reconstruct", "demo")

ALIASES = {
    "--iterations": "--numiter",
    "--num-iterations": "--numiter",
    "--steps": "--numiter",
    "--size": "--long-side",
    "--image-size": "--long-side",
    "--output": "--out",
    "--style-weight": "--ratio",
    "--tv-weight": "--tv",
    "--colour": "--color",
    "--colour-strength": "--color-strength",
    "--preserve-color": "--color-transfer",
    "--preserve-colors": "--color-transfer",
    "--original-colors": "--color-transfer",
}
"""Ours by theirs; a style weight is our ratio, since our content weight is 1."""

VALUES = {("--init", "random"): "rand", ("-i", "random"): "rand"}
"""Our values by option and theirs."""


def replace_aliases(arguments: list[str]) -> list[str]:
    """Replace the other tools' names, ``--size 400`` or ``--size=400``, by ours."""
    if not arguments or arguments[0] not in PAINTING_COMMANDS:
        return arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    replaced, previous = [], ""
    for argument in arguments[:end]:
        name, equals, value = argument.partition("=")
        value = VALUES.get((name, value), value)
        name = VALUES.get((previous, name), ALIASES.get(name, name))
        previous = name
        replaced.append(name + equals + value)
    return replaced + arguments[end:]
