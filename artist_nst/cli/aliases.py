"""What other style-transfer tools call our painting options."""

PAINTING_COMMANDS = ("paint", "repaint", "compare", "reconstruct", "batch", "demo")

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


MEANINGS = {
    r"iter|step|epoch": "did you mean --numiter?",
    r"gpu|cuda|cpu|mps|backend": "did you mean --device?",
    r"^--(content-weight|alpha|beta)": "did you mean --ratio, style to content?",
    r"learning|^--lr": "L-BFGS needs no learning rate",
    r"model|architecture|^--net|^--vgg": "did you mean --network?",
    r"height|resolution|max-dim": "did you mean --width or --long-side?",
    r"^--(style-im|style-file|style-path)": "did you mean --style FILE?",
    r"^--(content|photo|input)": "the photo needs no option: name it first",
    r"keep|preserv|original": "did you mean --color-transfer, which keeps the colors?",
    r"blend": "give style images weights: night.jpg:0.7 day.jpg:0.3",
    r"content-layers": "repeat --content-layer",
    r"style-layers": "repeat --style-layer",
    r"smooth|total-var": "did you mean --tv?",
    r"folder|directory|^--dir|save": "did you mean --out?",
}
"""What an option that we lack may mean, by a pattern in its name."""


def replace_aliases(arguments: list[str]) -> list[str]:
    """Replace the other tools' names, ``--size 400`` or ``--size=400``, by ours.

    An underscore in an option's name is a hyphen.
    """
    if not arguments or arguments[0] not in PAINTING_COMMANDS:
        return arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    replaced, previous = [], ""
    for argument in arguments[:end]:
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            name = name.replace("_", "-")
        value = VALUES.get((name, value), value)
        name = VALUES.get((previous, name), ALIASES.get(name, name))
        previous = name
        replaced.append(name + equals + value)
    return replaced + arguments[end:]
